-- Looks at a ticket where GETEX is refused because Redis can't save. KEYS[1] is the prefix; ARGV: digest.
-- Only a master is asked: a replica may not know yet that the ticket was removed.
if not redis.call('INFO', 'replication'):find('role:master', 1, true) then
  return redis.error_reply('READONLY')
end
return redis.call('GET', KEYS[1] .. 't:' .. ARGV[1])
