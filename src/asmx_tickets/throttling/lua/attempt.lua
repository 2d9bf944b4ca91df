-- Admits an attempt, or notes its outcome. Gives the admission as a number, the ms that the account has to wait (-1:
-- disabled), 1 for an alarm.
local places = {}
for _, place in pairs({find_account() or false, find_address() or false}) do
  if place then places[#places + 1] = place end
end

local function admit()
  local admission = ADMITTED
  for _, place in ipairs(places) do
    place.kind.abandoned(place.record) -- An attempt that asks again must not stand in its own way.
    place.changed = place.kind.obey(place.record) or place.changed
    admission = math.max(admission, place.kind.admission(place.record))
  end
  for _, place in ipairs(places) do
    if admission == ADMITTED then
      place.kind.reserve(place.record)
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
  local left = 0
  for _, place in ipairs(places) do
    local outcome = place.kind[call](place.record)
    if call == 'failed' and outcome ~= 0 then left = outcome end
    keep(place)
  end
  return {ADMITTED, left, call == 'failed' and rules.alarm and alarm() or 0}
end

return call == 'admit' and admit() or decide()
