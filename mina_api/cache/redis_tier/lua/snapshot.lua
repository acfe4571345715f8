-- The tokens of KEYS (tags), each made if it is absent; false for a tag that a writer holds.
-- A token outlives every entry under it (a week); one that is gone only makes misses.
-- What is no token is replaced: of another type, empty, or longer than any (MOST_TOKEN_BYTES).
-- ARGV[1]: a token nobody used before. KEYS come in pairs: token, holders (sorted set: owner -> expiry in ms).
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local reply = {}
for i = 1, #KEYS, 2 do
  redis.call('ZREMRANGEBYSCORE', KEYS[i + 1], '-inf', now)
  if redis.call('EXISTS', KEYS[i + 1]) == 1 then
    reply[#reply + 1] = false
  else
    redis.call('SET', KEYS[i], ARGV[1], 'NX', 'EX', 604800)
    local token = redis.pcall('GETRANGE', KEYS[i], 0, 63)
    if type(token) ~= 'string' or #token == 0 or #token > 63 or string.sub(token, 1, 1) == '!' then
      token = ARGV[1]
      redis.call('SET', KEYS[i], token, 'EX', 604800)
    end
    reply[#reply + 1] = token
  end
end
return reply
