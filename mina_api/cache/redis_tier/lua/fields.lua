-- The time, then for each of KEYS (hashes) names and values by turns, without what is too long.
-- Nothing of what is no hash, or has too many fields. ARGV: the most fields, the most bytes of a name or a value.
local most, longest = tonumber(ARGV[1]), tonumber(ARGV[2])
local reply = { redis.call('TIME') }
for i, key in ipairs(KEYS) do
  local found = {}
  if redis.call('TYPE', key).ok == 'hash' and redis.call('HLEN', key) <= most then
    for _, name in ipairs(redis.call('HKEYS', key)) do
      if #name <= longest and redis.call('HSTRLEN', key, name) <= longest then
        found[#found + 1] = name
        found[#found + 1] = redis.call('HGET', key, name)
      end
    end
  end
  reply[i + 1] = found
end
return reply
