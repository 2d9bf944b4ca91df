-- What operators ask, of known accounts.
--   failures: for each count that has some: network, failures, ms to wait (-1: disabled), source, ms since the last.
--   unlock: 1 if there were any to forget.
--   locked: in ARGV[8] a cursor, in ARGV[9] about how many to look at; the next cursor ('0' at the end), then accounts.
local function failures(record)
  local answer = {}
  each_count(record, function(count, name)
    if count.failures > 0 then
      answer[#answer + 1] = {name, count.failures, wait(count), count.source or '', now - count.failed_at}
    end
  end)
  return answer
end

local function locked()
  local found = redis.call('HSCAN', KEYS[1], ARGV[8], 'COUNT', ARGV[9])
  local answer = {found[1]}
  for i = 1, #found[2], 2 do
    local record, is_locked = cjson.decode(found[2][i + 1]), false
    Account.advance(record)
    each_count(record, function(count) is_locked = is_locked or wait(count) ~= 0 end)
    if is_locked then answer[#answer + 1] = found[2][i] end
  end
  return answer
end

-- Changes nothing; but a replica, which may not know the latest failures, refuses it.
redis.call('ZREMRANGEBYRANK', KEYS[2], 1, 0)
if call == 'locked' then return locked() end
local place = find_account()
if call == 'failures' then return failures(place.record) end
local any = forgive(place.record)
keep(place)
return any and 1 or 0
