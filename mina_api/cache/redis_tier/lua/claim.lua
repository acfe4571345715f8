-- Takes the lease of a key: 0 for the new owner, else the milliseconds that the present owner's has left.
-- KEYS: the entry, the lease, the mark that somebody waits. ARGV: owner, length in ms, and what the asker saw the entry
-- begin with, if that matters: where it is another one by now nothing is done, and the reply is -1.
-- What has no end is no lease of ours: it is taken.
if ARGV[3] then
  local found = redis.pcall('GETRANGE', KEYS[1], 0, 15)
  if type(found) == 'string' and found ~= ARGV[3] then
    return -1
  end
end
if redis.call('SET', KEYS[2], ARGV[1], 'NX', 'PX', ARGV[2]) then
  return 0
end
local left = redis.call('PTTL', KEYS[2])
if left < 0 then
  redis.call('SET', KEYS[2], ARGV[1], 'PX', ARGV[2])
  return 0
end
redis.call('SET', KEYS[3], '1', 'PX', ARGV[2])
return math.max(1, left)
