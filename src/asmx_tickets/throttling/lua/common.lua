-- All scripts begin with this: the rules of records.py and the limits of memory.py, atomic for all nodes.
-- KEYS: accounts, their order, addresses, their order, the alarm, the addresses that are recognized.
--   Records are fields of a hash, as JSON; their order is a sorted set by the time when they were kept.
-- ARGV: the call, the attempt's id, account, network and stamp, the rules as JSON, the time in ms or '' for this server's.

local call, attempt, account, network = ARGV[1], ARGV[2], ARGV[3], ARGV[4]
local stamp, rules = tonumber(ARGV[5]), cjson.decode(ARGV[6])
local ADMITTED, BUSY, ACCOUNT, DISABLED, ADDRESS = 0, 1, 2, 3, 4

local now = tonumber(ARGV[7])
if not now then
  local time = redis.call('TIME')
  now = time[1] * 1000 + math.floor(time[2] / 1000)
end

local function size(set)
  local members = 0
  for _ in pairs(set) do members = members + 1 end
  return members
end

-- Brings a count of failures up to date; add counts one that took too long to be decided. Whether it has changed.
local function advance_count(count, add)
  local changed = false
  if count.failed_at > now then
    count.failed_at, changed = now, true
  end
  local overdue = {}
  for id, at in pairs(count.undecided) do
    if at <= now then
      overdue[#overdue + 1] = at
      count.undecided[id], changed = nil, true
    elseif at > now + rules.held then
      count.undecided[id], changed = now + rules.held, true
    end
  end
  table.sort(overdue)
  for _, at in ipairs(overdue) do add(count, at) end
  return changed
end

-- An account's record is the count for all networks that it does not know, and has a count for each one that it knows.
local Account = {}

local function blank_count()
  return {failures = 0, streak = 0, failed_at = 0, source = '', undecided = {}}
end

function Account.blank()
  local record = blank_count()
  record.stamp, record.known = stamp, {}
  return record
end

local function streak(count, at)
  return at - count.failed_at < rules.account.forget_after and count.streak or 0
end

local function disabled_at(failures)
  return rules.account.disable_at > 0 and failures >= rules.account.disable_at
end

-- How long a count makes the account wait, ms; -1: disabled.
local function wait(count)
  if disabled_at(count.failures) then return -1 end
  local terms, longest = rules.account, 0
  local beyond = streak(count, now) - terms.free + 1
  if beyond >= 1 then longest = terms.waits[math.min(beyond, #terms.waits)] end
  if not count.succeeded_at and count.failures > terms.many then longest = math.max(longest, terms.many_wait) end
  return math.max(0, count.failed_at + longest - now)
end

local function add_failure(count, at)
  count.streak = streak(count, at) + 1
  count.failures = count.failures + 1
  count.failed_at = at
end

local function each_count(record, visit)
  visit(record, '')
  for name, count in pairs(record.known) do visit(count, name) end
end

local function count_of(record)
  return record.known[network] or record
end

-- Forgets all failures. Whether there were any.
local function forgive(record)
  local any = false
  each_count(record, function(count)
    any = any or count.failures > 0
    count.failures, count.streak = 0, 0
  end)
  return any
end

function Account.advance(record)
  record.known = record.known or {}
  local changed = advance_count(record, add_failure)
  for name, count in pairs(record.known) do
    changed = advance_count(count, add_failure) or changed
    count.succeeded_at = math.min(count.succeeded_at, now)
    if count.succeeded_at <= now - rules.account.known_for then
      record.known[name], changed = nil, true
    end
  end
  return changed
end

-- Forgives an account that has a new password, and so another stamp. Whether that has changed the record.
function Account.obey(record)
  if record.stamp == stamp then return false end
  record.stamp = stamp
  forgive(record)
  return true
end

function Account.admission(record)
  local count = count_of(record)
  local left, undecided = wait(count), size(count.undecided)
  if left ~= 0 then return left < 0 and DISABLED or ACCOUNT end
  if undecided == 0 then return ADMITTED end
  local full = streak(count, now) + undecided >= rules.account.free or disabled_at(count.failures + undecided)
  return full and BUSY or ADMITTED
end

function Account.reserve(record)
  count_of(record).undecided[attempt] = now + rules.held
end

function Account.abandoned(record)
  each_count(record, function(count) count.undecided[attempt] = nil end)
end

function Account.failed(record)
  local failed = nil
  each_count(record, function(count)
    if count.undecided[attempt] then failed = count end
  end)
  if failed then
    failed.undecided[attempt] = nil
    add_failure(failed, now)
    failed.source = network
  end
  return wait(failed or count_of(record))
end

local function drop_oldest(known)
  local oldest
  for name, count in pairs(known) do
    if not oldest or count.succeeded_at < known[oldest].succeeded_at then oldest = name end
  end
  known[oldest] = nil
end

function Account.succeeded(record)
  Account.abandoned(record)
  record.failures, record.streak = 0, 0
  local count = record.known[network] or blank_count()
  count.failures, count.streak, count.succeeded_at = 0, 0, now
  record.known[network] = count
  if size(record.known) > rules.account.networks then drop_oldest(record.known) end
end

function Account.is_blank(record)
  return record.failures == 0 and not next(record.undecided) and not next(record.known)
end

local Address = {}

function Address.blank()
  return {level = 0, failed_at = 0, undecided = {}}
end

local function level(record, at)
  return math.max(0, record.level - (at - record.failed_at))
end

local function fill(record, at)
  record.level = level(record, at) + rules.address.interval
  record.failed_at = at
end

function Address.advance(record)
  return advance_count(record, fill)
end

function Address.obey()
  return false
end

function Address.admission(record)
  local interval = rules.address.interval
  local room = rules.address.burst * interval - level(record, now)
  if room < interval then return ADDRESS end
  return room >= interval * (size(record.undecided) + 1) and ADMITTED or BUSY
end

function Address.reserve(record)
  record.undecided[attempt] = now + rules.held
end

function Address.abandoned(record)
  record.undecided[attempt] = nil
end

Address.succeeded = Address.abandoned

function Address.failed(record)
  if record.undecided[attempt] then
    record.undecided[attempt] = nil
    fill(record, now)
  end
  return 0
end

function Address.is_blank(record)
  return level(record, now) == 0 and not next(record.undecided)
end

-- A record that is up to date, and where it is kept; nil if no rule applies.
local function find(kind, rule, records, order, key)
  if not rule then return nil end
  local text = redis.call('HGET', records, key)
  local record = text and cjson.decode(text) or kind.blank()
  local changed = kind.advance(record)
  return {kind = kind, rule = rule, records = records, order = order, key = key, record = record, changed = changed}
end

local function find_account()
  return find(Account, rules.account, KEYS[1], KEYS[2], account)
end

local function find_address()
  return find(Address, rules.address, KEYS[3], KEYS[4], network)
end

local function write(place)
  redis.call('HSET', place.records, place.key, cjson.encode(place.record))
end

local function keep(place)
  local records, order, rule = place.records, place.order, place.rule
  if place.kind.is_blank(place.record) then
    redis.call('HDEL', records, place.key)
    redis.call('ZREM', order, place.key)
  else
    write(place)
    redis.call('ZADD', order, now, place.key)
  end
  for _ = 1, rules.sweep do
    local oldest = redis.call('ZRANGE', order, 0, 0, 'WITHSCORES')
    local outdated = oldest[2] and oldest[2] + rule.kept_for <= now
    if not (outdated or rule.limit > 0 and redis.call('ZCARD', order) > rule.limit) then break end
    redis.call('HDEL', records, oldest[1])
    redis.call('ZREM', order, oldest[1])
  end
  redis.call('PEXPIRE', records, rule.kept_for)
  redis.call('PEXPIRE', order, rule.kept_for)
end
