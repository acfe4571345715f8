-- Members and scores by turns of KEYS[1] (a sorted set), the highest first. ARGV: how many, the most bytes of one.
-- Nothing of what is no sorted set; a longer member is dropped.
if redis.call('TYPE', KEYS[1]).ok ~= 'zset' then
  return {}
end
local found = redis.call('ZRANGE', KEYS[1], 0, ARGV[1] - 1, 'REV', 'WITHSCORES')
local reply = {}
for i = 1, #found, 2 do
  if #found[i] > tonumber(ARGV[2]) then
    redis.call('ZREM', KEYS[1], found[i])
  else
    reply[#reply + 1] = found[i]
    reply[#reply + 1] = found[i + 1]
  end
end
return reply
