-- Gives tags new tokens and lifts holds of theirs; a tag that another writer still holds stays held.
-- KEYS: the register, then token, holders by turns. ARGV: announce's reign, lease, channel, message and sender; a
-- new token, the owners of the holds (each may hold nothing). Where the one owner's hold was never interrupted nothing was
-- kept under its tags meanwhile, and who had something has been told: nobody is told again.
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local token = ARGV[6]
local held = #ARGV == 7
for i = 2, #KEYS, 2 do
  if held then
    local until_ms = redis.call('ZSCORE', KEYS[i + 1], ARGV[7])
    held = until_ms and tonumber(until_ms) > now
  end
  redis.call('ZREM', KEYS[i + 1], unpack(ARGV, 7))
  redis.call('ZREMRANGEBYSCORE', KEYS[i + 1], '-inf', now)
  if redis.call('EXISTS', KEYS[i + 1]) == 1 then
    redis.call('SET', KEYS[i], '!' .. token, 'EX', 604800)
  else
    redis.call('SET', KEYS[i], token, 'EX', 604800)
  end
end
if held then
  return { 0 }
end
return announce(KEYS[1], now, ARGV[1], tonumber(ARGV[2]), ARGV[3], ARGV[4], ARGV[5])
