-- Has every process forget entries by name. KEYS[1]: the register. ARGV: announce's lease, channel, message, sender.
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
return announce(KEYS[1], now, tonumber(ARGV[1]), ARGV[2], ARGV[3], ARGV[4])
