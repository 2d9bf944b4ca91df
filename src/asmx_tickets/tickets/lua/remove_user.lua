-- Ends tickets of a user. ARGV: user, how many at most. Gives how many were alive, and how many are left.
local user, ended = ARGV[1], 0
local popped = redis.call('ZPOPMIN', user_key(user), ARGV[2])
for i = 1, #popped, 2 do
  ended = ended + redis.call('DEL', ticket_key(popped[i]))
  forget(popped[i], user)
end
sweep()
return {ended, redis.call('ZCARD', user_key(user))}
