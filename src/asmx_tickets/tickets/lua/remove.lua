-- Ends a ticket. ARGV: digest. Gives the value as it was; nothing if there was no such ticket.
local value = redis.call('GETDEL', ticket_key(ARGV[1]))
if value then
  forget(ARGV[1], value:match('^%d+ %d+ %d+ (%S+) '))
end
sweep()
return value
