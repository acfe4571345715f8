-- Gives a process a lease on what it has in memory. KEYS[1]: the register. ARGV: the process, the lease's length in
-- ms (0: it has nothing in memory).
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
redis.call('HSETNX', KEYS[1], 'since', now)
if tonumber(ARGV[2]) > 0 then
  redis.call('HSET', KEYS[1], ARGV[1], now + ARGV[2])
end
redis.call('PEXPIRE', KEYS[1], 3600000)
return 1
