-- Takes the lease of a key: 0 for the new owner, else the milliseconds that the present owner's has left.
-- KEYS[1]: the lease, KEYS[2]: the mark that somebody waits. ARGV: owner, length in ms.
-- What has no end is no lease of ours: it is taken.
if redis.call('SET', KEYS[1], ARGV[1], 'NX', 'PX', ARGV[2]) then
  return 0
end
local left = redis.call('PTTL', KEYS[1])
if left < 0 then
  redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
  return 0
end
redis.call('SET', KEYS[2], '1', 'PX', ARGV[2])
return math.max(1, left)
