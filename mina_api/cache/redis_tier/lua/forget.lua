-- Has every process forget entries by name. KEYS[1]: the register. ARGV: announce's reign, lease, channel, message,
-- sender.
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
return announce(KEYS[1], now, ARGV[1], tonumber(ARGV[2]), ARGV[3], ARGV[4], ARGV[5])
