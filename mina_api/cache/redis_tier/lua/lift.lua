-- Gives tags new tokens and lifts one writer's hold; a tag that another writer still holds stays held.
-- KEYS: token, holders by turns. ARGV: a new token, the owner (may be one that holds nothing).
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
for i = 1, #KEYS, 2 do
  redis.call('ZREM', KEYS[i + 1], ARGV[2])
  redis.call('ZREMRANGEBYSCORE', KEYS[i + 1], '-inf', now)
  if redis.call('EXISTS', KEYS[i + 1]) == 1 then
    redis.call('SET', KEYS[i], '!' .. ARGV[1], 'EX', 604800)
  else
    redis.call('SET', KEYS[i], ARGV[1], 'EX', 604800)
  end
end
return #KEYS / 2
