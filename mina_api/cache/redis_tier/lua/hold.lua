-- Puts tags on hold for one writer: new tokens that no read accepts, until `lift` or the hold's expiry.
-- KEYS: token, holders by turns. ARGV: a new token marked with '!', the owner, the hold's length in ms.
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
for i = 1, #KEYS, 2 do
  redis.call('SET', KEYS[i], ARGV[1], 'EX', 604800)
  redis.call('ZADD', KEYS[i + 1], now + ARGV[3], ARGV[2])
  if redis.call('PTTL', KEYS[i + 1]) < tonumber(ARGV[3]) then
    redis.call('PEXPIRE', KEYS[i + 1], ARGV[3])
  end
end
return #KEYS / 2
