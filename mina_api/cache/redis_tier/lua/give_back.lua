-- Part of release and store: gives a lease back if `owner` still owns it, and wakes those who wait; 1 if so.
local function give_back(lease, wait, owner, channel, name)
  if redis.call('GET', lease) ~= owner then
    return 0
  end
  redis.call('DEL', lease)
  if redis.call('DEL', wait) == 1 then
    redis.call('PUBLISH', channel, name)
  end
  return 1
end
