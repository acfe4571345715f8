-- Drops what is in the place of ours and cannot be: of another type, or a hash of too many fields.
-- KEYS. ARGV: the most fields of a hash, then the type of each key.
for i, key in ipairs(KEYS) do
  local found = redis.call('TYPE', key).ok
  if found ~= 'none' and found ~= ARGV[i + 1] or found == 'hash' and redis.call('HLEN', key) > tonumber(ARGV[1]) then
    redis.call('UNLINK', key)
  end
end
return 1
