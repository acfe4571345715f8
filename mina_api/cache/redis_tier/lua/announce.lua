-- Part of hold and lift: tells every process to forget tags, and says whom to wait for and for how long.
-- The register (a hash) has when each process's lease ends, and since when it is complete; in ms. Leases that
-- were given before it was lost are in no register: until one's length has passed, somebody may hold one. So may
-- somebody where it is of another reign: the server that gave a lease may have died before it was replicated.
-- Reply: the ms to wait for the unknown, then by turns each other process and the ms that its lease has left.
local function announce(register, now, reign, lease, channel, message, sender)
  local since = now
  if redis.call('HGET', register, 'reign') == reign then
    since = tonumber(redis.call('HGET', register, 'since') or now)
  end
  local reply = { math.max(0, since + lease - now) }
  local fields = redis.call('HGETALL', register)
  for i = 1, #fields, 2 do
    if fields[i] ~= 'reign' and fields[i] ~= 'since' and fields[i] ~= sender then
      local left = tonumber(fields[i + 1]) - now
      if left > 0 then
        reply[#reply + 1] = fields[i]
        reply[#reply + 1] = left
      else
        redis.call('HDEL', register, fields[i])
      end
    end
  end
  if #reply > 1 or reply[1] > 0 then
    redis.call('PUBLISH', channel, message)
  end
  return reply
end
