-- Prolongs a lease if ARGV[1] still owns it; 1 if so. ARGV[2]: length in ms.
if redis.call('GET', KEYS[1]) == ARGV[1] then
  return redis.call('PEXPIRE', KEYS[1], ARGV[2])
end
return 0
