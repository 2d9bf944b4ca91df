-- A page of the live tickets. ARGV: user ('': all), cursor ('0' to begin), about how many. Gives the next cursor ('0' at the
-- end), then digest, value and origin of each ticket. A ticket may be on more than one page.
local index = ARGV[1] == '' and ends or user_key(ARGV[1])
-- Changes nothing; but a replica, which may not know the latest tickets, refuses it.
redis.call('ZREMRANGEBYRANK', index, 1, 0)
local found = redis.call('ZSCAN', index, ARGV[2], 'COUNT', ARGV[3])
local answer = {found[1]}
for i = 1, #found[2], 2 do
  local digest = found[2][i]:sub(1, 32)
  local value = redis.call('GET', ticket_key(digest))
  if value then
    answer[#answer + 1] = digest
    answer[#answer + 1] = value
    answer[#answer + 1] = redis.call('HGET', origins, digest) or ''
  end
end
return answer
