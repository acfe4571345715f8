-- Items of KEYS[1] (a list). ARGV: the first, the last, the most bytes of one.
-- Nothing of what is no list; one that has a longer item is dropped: its every read would be slow.
if redis.call('TYPE', KEYS[1]).ok ~= 'list' then
  return {}
end
local items = redis.call('LRANGE', KEYS[1], ARGV[1], ARGV[2])
for _, item in ipairs(items) do
  if #item > tonumber(ARGV[3]) then
    redis.call('UNLINK', KEYS[1])
    return {}
  end
end
return items
