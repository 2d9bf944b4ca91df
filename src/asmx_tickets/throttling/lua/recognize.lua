-- A right secret counts as a success, unless its address has to wait and has had none lately. Gives 1 if it counts.
local recognized = KEYS[6]
local place = find_address()
local known_at = tonumber(redis.call('ZSCORE', recognized, network) or '-inf')
if place and known_at + place.rule.known_for <= now and Address.admission(place.record) == ADDRESS then
  return 0
end
if place then
  redis.call('ZADD', recognized, now, network)
  redis.call('ZREMRANGEBYRANK', recognized, 0, -place.rule.limit - 1)
  redis.call('PEXPIRE', recognized, place.rule.known_for)
end
return 1
