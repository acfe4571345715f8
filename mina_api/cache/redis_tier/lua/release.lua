-- Gives a lease back if ARGV[1] still owns it, and wakes those who wait. ARGV[2]: channel, ARGV[3]: the key's name.
if redis.call('GET', KEYS[1]) ~= ARGV[1] then
  return 0
end
redis.call('DEL', KEYS[1])
if redis.call('DEL', KEYS[2]) == 1 then
  redis.call('PUBLISH', ARGV[2], ARGV[3])
end
return 1
