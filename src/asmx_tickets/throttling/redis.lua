-- One call of the throttle, atomic for all nodes: records.py and the shelves of memory.py once more.
-- KEYS: accounts, their order, addresses, their order, the alarm.
--   Records are fields of a hash, as JSON; their order is a sorted set by the time when they were kept.
-- ARGV: the call, the attempt's id, account and address, the rules as JSON, the time in ms or '' for this server's.
-- Returns the admission as a number, the ms that the account has to wait (-1: disabled), 1 for an alarm.

local call, attempt, rules = ARGV[1], ARGV[2], cjson.decode(ARGV[5])
local ADMITTED, BUSY, ADDRESS, ACCOUNT, DISABLED = 0, 1, 2, 3, 4

local now = tonumber(ARGV[6])
if not now then
  local time = redis.call('TIME')
  now = time[1] * 1000 + math.floor(time[2] / 1000)
end

local function size(set)
  local members = 0
  for _ in pairs(set) do members = members + 1 end
  return members
end

local Account = {}

function Account.blank()
  return {failures = 0, streak = 0, failed_at = 0, undecided = {}}
end

local function streak(record, at)
  return at - record.failed_at < rules.account.forget_after and record.streak or 0
end

local function disabled_at(failures)
  return rules.account.disable_at > 0 and failures >= rules.account.disable_at
end

local function wait(record)
  if disabled_at(record.failures) then return -1 end
  local beyond = streak(record, now) - rules.account.free + 1
  if beyond < 1 then return 0 end
  local waits = rules.account.waits
  return math.max(0, record.failed_at + waits[math.min(beyond, #waits)] - now)
end

function Account.admission(record)
  local left, undecided = wait(record), size(record.undecided)
  if left ~= 0 then return left < 0 and DISABLED or ACCOUNT end
  if undecided == 0 then return ADMITTED end
  local full = streak(record, now) + undecided >= rules.account.free or disabled_at(record.failures + undecided)
  return full and BUSY or ADMITTED
end

function Account.count(record, at)
  record.streak = streak(record, at) + 1
  record.failures = record.failures + 1
  record.failed_at = at
end

function Account.succeeded(record)
  record.failures, record.streak = 0, 0
end

function Account.is_blank(record)
  return record.failures == 0 and not next(record.undecided)
end

local Address = {}

function Address.blank()
  return {level = 0, failed_at = 0, undecided = {}}
end

local function level(record, at)
  return math.max(0, record.level - (at - record.failed_at))
end

function Address.admission(record)
  local interval = rules.address.interval
  local room = rules.address.burst * interval - level(record, now)
  if room < interval then return ADDRESS end
  return room >= interval * (size(record.undecided) + 1) and ADMITTED or BUSY
end

function Address.count(record, at)
  record.level = level(record, at) + rules.address.interval
  record.failed_at = at
end

function Address.succeeded() end

function Address.is_blank(record)
  return level(record, now) == 0 and not next(record.undecided)
end

local function reach(kind, record)
  local changed = false
  if record.failed_at > now then
    record.failed_at, changed = now, true
  end
  local over = {}
  for id, at in pairs(record.undecided) do
    if at <= now then
      over[#over + 1] = at
      record.undecided[id], changed = nil, true
    elseif at > now + rules.held then
      record.undecided[id], changed = now + rules.held, true
    end
  end
  table.sort(over)
  for _, at in ipairs(over) do kind.count(record, at) end
  return changed
end

local places = {}

local function find(kind, shelf, records, order, key)
  if not shelf then return end
  local text = redis.call('HGET', records, key)
  local record = text and cjson.decode(text) or kind.blank()
  local changed = reach(kind, record)
  places[#places + 1] =
    {kind = kind, shelf = shelf, records = records, order = order, key = key, record = record, changed = changed}
end

local function write(place)
  redis.call('HSET', place.records, place.key, cjson.encode(place.record))
end

local function keep(place)
  local records, order, shelf = place.records, place.order, place.shelf
  if place.kind.is_blank(place.record) then
    redis.call('HDEL', records, place.key)
    redis.call('ZREM', order, place.key)
  else
    write(place)
    redis.call('ZADD', order, now, place.key)
  end
  for _ = 1, rules.sweep do
    local oldest = redis.call('ZRANGE', order, 0, 0, 'WITHSCORES')
    local outdated = oldest[2] and oldest[2] + shelf.kept_for <= now
    if not (outdated or shelf.limit > 0 and redis.call('ZCARD', order) > shelf.limit) then break end
    redis.call('HDEL', records, oldest[1])
    redis.call('ZREM', order, oldest[1])
  end
  redis.call('PEXPIRE', records, shelf.kept_for)
  redis.call('PEXPIRE', order, shelf.kept_for)
end

local function admit()
  local admission = ADMITTED
  for _, place in ipairs(places) do
    place.record.undecided[attempt] = nil -- Asked once more, it does not stand in its own way.
    admission = math.max(admission, place.kind.admission(place.record))
  end
  for _, place in ipairs(places) do
    if admission == ADMITTED then
      place.record.undecided[attempt] = now + rules.held
      keep(place)
    elseif place.changed then
      write(place)
    end
  end
  return {admission, 0, 0}
end

local function alarm()
  local window, text = rules.alarm.window, redis.call('GET', KEYS[5])
  local record = text and cjson.decode(text) or {times = {}, raised_at = -window}
  table.insert(record.times, now)
  if #record.times > rules.alarm.failures then table.remove(record.times, 1) end
  record.raised_at = math.min(record.raised_at, now)
  local full = #record.times == rules.alarm.failures and now - record.times[1] < window
  local raised = full and now - record.raised_at >= window
  if raised then record.raised_at = now end
  redis.call('SET', KEYS[5], cjson.encode(record), 'PX', 2 * window)
  return raised and 1 or 0
end

local function decide()
  local answer = {ADMITTED, 0, 0}
  for _, place in ipairs(places) do
    local undecided = place.record.undecided[attempt]
    place.record.undecided[attempt] = nil
    if call == 'failed' and undecided then place.kind.count(place.record, now) end
    if call == 'succeeded' then place.kind.succeeded(place.record) end
    keep(place)
    if place.kind == Account then answer[2] = wait(place.record) end
  end
  if call == 'failed' and rules.alarm then answer[3] = alarm() end
  return answer
end

find(Account, rules.account, KEYS[1], KEYS[2], ARGV[3])
find(Address, rules.address, KEYS[3], KEYS[4], ARGV[4])
return call == 'admit' and admit() or decide()
