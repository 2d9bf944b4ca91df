-- All scripts begin with this. KEYS[1] is the prefix of all keys; times are microseconds since 1970.
local now = redis.call('TIME')
now = now[1] * 1000000 + now[2]

local prefix = KEYS[1]
local ends, uses, origins = prefix .. 'ends', prefix .. 'uses', prefix .. 'origins'

local function ticket_key(digest)
  return prefix .. 't:' .. digest
end

local function user_key(user)
  return prefix .. 'user:' .. user
end

-- Lua's own way would write 1.771425300123e+15.
local function text(number)
  return string.format('%.0f', number)
end

-- Redis and clients count milliseconds: a ticket is dead from the millisecond in which it expires.
local function milliseconds(time)
  return math.floor(time / 1000)
end

-- An index lives at least until its last ticket expires; with a reserve, so that not every use has to prolong it.
local function prolong(index, expires)
  local life = milliseconds(expires - now) + 1
  if redis.call('PTTL', index) < life then
    redis.call('PEXPIRE', index, text(math.ceil(life * 1.125)))
  end
end

-- What SET takes as PXAT, which is the last millisecond of life.
local function last_millisecond(expires)
  return text(milliseconds(expires) - 1)
end

-- Puts a ticket into the indexes, or into its new places there.
local function place(digest, user, used, expires, absolute)
  redis.call('ZADD', user_key(user), text(used), digest)
  redis.call('ZADD', ends, text(expires), digest .. user)
  prolong(user_key(user), expires)
  prolong(ends, expires)
  if absolute > 0 then
    redis.call('ZADD', uses, text(used), digest .. user)
    prolong(uses, expires)
  end
end

local function forget(digest, user)
  redis.call('ZREM', user_key(user), digest)
  redis.call('ZREM', ends, digest .. user)
  redis.call('ZREM', uses, digest .. user)
  redis.call('HDEL', origins, digest)
end

-- Forgets some of the tickets that have expired; EXISTS makes Redis delete those that are still in memory, so that a
-- clock that is put back revives none.
local SWEEP = 16
local function sweep()
  local bound = '(' .. text((milliseconds(now) + 1) * 1000)
  for _, member in ipairs(redis.call('ZRANGEBYSCORE', ends, '-inf', bound, 'LIMIT', 0, SWEEP)) do
    redis.call('EXISTS', ticket_key(member:sub(1, 32)))
    forget(member:sub(1, 32), member:sub(33))
  end
end
