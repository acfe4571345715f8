-- Adds what a process counted to the counts of all, once however often it is told.
-- KEYS: the counts, the number of the process's last batch, the workers. ARGV: that number, the process, what it says
-- of itself, then names and increments by turns. The counts say since when they are kept, in seconds.
-- What is no number begins anew.
local time = redis.call('TIME')
redis.call('HSET', KEYS[3], ARGV[2], time[1] .. ' ' .. ARGV[3])
redis.call('HSETNX', KEYS[1], 'since', time[1])
if (tonumber(redis.call('GETRANGE', KEYS[2], 0, 20)) or 0) >= tonumber(ARGV[1]) then
  return 0
end
for i = 4, #ARGV, 2 do
  if type(redis.pcall('HINCRBY', KEYS[1], ARGV[i], ARGV[i + 1])) ~= 'number' then
    redis.call('HSET', KEYS[1], ARGV[i], ARGV[i + 1])
  end
end
redis.call('SET', KEYS[2], ARGV[1], 'EX', 86400)
return 1
