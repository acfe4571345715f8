-- Gives a process a lease on what it has in memory. KEYS[1]: the register. ARGV: the server's reign, the process, the
-- lease's length in ms (0: it has nothing in memory). A register of another reign is complete from now on.
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
if redis.call('HGET', KEYS[1], 'reign') ~= ARGV[1] then
  redis.call('HSET', KEYS[1], 'reign', ARGV[1], 'since', now)
end
redis.call('HSETNX', KEYS[1], 'since', now)
if tonumber(ARGV[3]) > 0 then
  redis.call('HSET', KEYS[1], ARGV[2], now + ARGV[3])
end
redis.call('PEXPIRE', KEYS[1], 3600000)
return 1
