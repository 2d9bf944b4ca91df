-- Uses a ticket. ARGV: digest, user ('': anyone's), '=' and the new language ('': as it was), window, absolute expiration
-- (0: none). Gives the value as it is then; nothing if there is no such ticket.
local digest = ARGV[1]
-- GETEX counts as a write: a replica refuses it instead of answering from the past. Even a Redis that is full does it,
-- and what follows.
local value = redis.call('GETEX', ticket_key(digest))
if not value then
  return false
end
local used, expires, issued, user, fields = value:match('^(%d+) (%d+) (%d+) (%S+) (.*)$')
if ARGV[2] ~= '' and ARGV[2] ~= user then
  return false
end
if ARGV[3] ~= '' then
  fields = fields:match('^%S+ %S+ ') .. ARGV[3]:sub(2)
end
local absolute = tonumber(ARGV[5])
-- Neither goes back, though the clock may.
used = math.max(tonumber(used), now)
expires = math.max(tonumber(expires), now + tonumber(ARGV[4]))
if absolute > 0 then
  expires = math.min(expires, tonumber(issued) + absolute)
end
if milliseconds(expires) <= milliseconds(now) then
  redis.call('DEL', ticket_key(digest))
  forget(digest, user)
  return false
end
value = text(used) .. ' ' .. text(expires) .. ' ' .. issued .. ' ' .. user .. ' ' .. fields
redis.call('SET', ticket_key(digest), value, 'PXAT', last_millisecond(expires))
place(digest, user, used, expires, absolute)
if redis.call('HEXISTS', origins, digest) == 1 then
  prolong(origins, expires)
end
sweep()
return value
