-- Adds a ticket. ARGV: digest, user, "stamp previous language", window, absolute expiration (0: none), max per user (0:
-- no cap), max total, the origin ('': none). Gives the value, then digest and value of each ticket ended for it; nothing if it is alive.
local digest, user = ARGV[1], ARGV[2]
local window, absolute = tonumber(ARGV[4]), tonumber(ARGV[5])
local expires = now + window
if absolute > 0 then
  expires = math.min(expires, now + absolute)
end
local value = text(now) .. ' ' .. text(expires) .. ' ' .. text(now) .. ' ' .. user .. ' ' .. ARGV[3]
-- The first write, which a Redis that is full or read-only refuses before anything has changed.
if not redis.call('SET', ticket_key(digest), value, 'NX', 'PXAT', last_millisecond(expires)) then
  return false
end
sweep()

local answer = {value}
local function make_room(index, cap, owner)
  for _ = 1, SWEEP do
    if cap == 0 or redis.call('ZCARD', index) < cap then
      return
    end
    local member = redis.call('ZRANGE', index, 0, 0)[1]
    local oldest = member:sub(1, 32)
    local ended = redis.call('GETDEL', ticket_key(oldest))
    forget(oldest, owner or member:sub(33))
    if ended then
      answer[#answer + 1] = oldest
      answer[#answer + 1] = ended
    end
  end
end
make_room(user_key(user), tonumber(ARGV[6]), user)
-- Without an absolute expiration, the order of use is the order of expiry.
local by_use = (absolute > 0 and redis.call('EXISTS', uses) == 1) and uses or ends
make_room(by_use, tonumber(ARGV[7]))

place(digest, user, now, expires, absolute)
if ARGV[8] ~= '' then
  redis.call('HSET', origins, digest, ARGV[8])
  prolong(origins, expires)
end
return answer
