-- Puts tags on hold for one writer: new tokens that no read accepts, until `lift` or the hold's expiry.
-- KEYS: the register, then token, holders by turns. ARGV: announce's reign, lease, channel, message and sender; a new
-- token marked with '!', the owner, the hold's length in ms.
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local token, owner, length = ARGV[6], ARGV[7], tonumber(ARGV[8])
for i = 2, #KEYS, 2 do
  redis.call('SET', KEYS[i], token, 'EX', 604800)
  redis.call('ZADD', KEYS[i + 1], now + length, owner)
  if redis.call('PTTL', KEYS[i + 1]) < length then
    redis.call('PEXPIRE', KEYS[i + 1], length)
  end
end
return announce(KEYS[1], now, ARGV[1], tonumber(ARGV[2]), ARGV[3], ARGV[4], ARGV[5])
