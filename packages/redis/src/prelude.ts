/**
 * What is done at the server, each step in one script. Of a lock there are four keys, in one slot:
 *
 * - the lock: `coord:x <status> <owner> <record>` while one has it alone, `coord:s` while it is shared,
 *   expiring with the hold. Anything else is a holder of another kind, who is respected. What the
 *   lock's key does not vouch for is not held, whatever is recorded.
 * - the state: a hash of `<status><mode> <record>`, by owner, of those who share it or wait.
 * - the queue: a sorted set of the owners who wait, by arrival.
 * - the token: the last one given.
 *
 * An owner is a request of one session: two sessions never have the same.
 *
 * The status is `h` for a hold, `c` for a claim (its owner has to confirm it until it ends) and `w`
 * for who waits, and renews its place as a holder renews a hold. The mode is `x` or `s`. A record is
 * `<asked by> <until> <since> <token> <session> <info>`.
 *
 * What is asked most, for locks that nobody else wants, is answered before the rest is even defined:
 * to define it takes the server longer than to do it. `time` is what the server says it is.
 */
export const prelude = `
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local microseconds = time[1] * 1000000 + time[2]
-- Of sessions; a namespace has no brace in it.
local channels = string.match(KEYS[1], '^[^{]*') .. 'session:'

local function int(number) return string.format('%.0f', number) end

local function parse(status, mode, text)
  local asked, till, since, token, session, info =
    string.match(text, '^(%S+) (%d+) (%d+) (%d+) (%S+) (.*)$')
  return { status = status, mode = mode, asked = asked, till = tonumber(till), since = since,
    token = token, session = session, info = info }
end

local function format(record)
  return table.concat({ record.asked, int(record.till), record.since, record.token, record.session,
    record.info }, ' ')
end

-- In the lock's own key, for so many milliseconds, where it has it alone.
local function write(lock, owner, record, ms)
  lock.records[owner] = record
  if record.mode == 'x' and record.status ~= 'w' then
    lock.value = 'coord:x ' .. record.status .. ' ' .. owner .. ' ' .. format(record)
    redis.call('SET', lock.key, lock.value, 'PX', int(ms))
  else
    redis.call('HSET', lock.state, owner, record.status .. record.mode .. ' ' .. format(record))
  end
end

-- Lives as long as any that needs it.
local function extend(key, ms)
  if redis.call('PTTL', key) < ms then redis.call('PEXPIRE', key, int(ms)) end
end

local function keysAt(index)
  return { key = KEYS[index], state = KEYS[index + 1], queue = KEYS[index + 2], token = KEYS[index + 3],
    records = {}, held = 0 }
end

-- Reads all there is of a lock, and removes what is over.
local function load(index)
  local lock = keysAt(index)
  lock.value = redis.call('GET', lock.key)
  if lock.value then
    local status, owner, text = string.match(lock.value, '^coord:x (.) (%S+) (.*)$')
    if status then
      lock.records[owner] = parse(status, 'x', text)
      lock.held = 1
    end
  end
  local all = redis.call('HGETALL', lock.state)
  for i = 1, #all, 2 do
    local owner, text = all[i], all[i + 1]
    local record = parse(string.sub(text, 1, 1), string.sub(text, 2, 2), string.sub(text, 4))
    local waits = record.status == 'w'
    if record.till >= now and (waits or lock.value == 'coord:s') then
      lock.records[owner] = record
      if not waits then lock.held = lock.held + 1 end
    else
      if waits then redis.call('ZREM', lock.queue, owner) end
      redis.call('HDEL', lock.state, owner)
    end
  end
  return lock
end

local function admits(lock, mode)
  return not lock.value or (mode == 's' and lock.value == 'coord:s')
end

local function take(lock, owner, record, ms)
  record.till = now + ms
  lock.held = lock.held + 1
  write(lock, owner, record, ms)
  if record.mode == 'x' then return end
  extend(lock.state, ms)
  if lock.value then
    extend(lock.key, ms)
  else
    lock.value = 'coord:s'
    redis.call('SET', lock.key, lock.value, 'PX', int(ms))
  end
end

local function hold(lock, owner, record, ttl)
  local last = tonumber(redis.call('GET', lock.token) or '0') or 0
  local token = math.max(last + 1, microseconds)
  redis.call('SET', lock.token, int(token), 'PX', int(86400000 + (token - microseconds) / 1000))
  record.status, record.token, record.since = 'h', int(token), int(now)
  take(lock, owner, record, ttl)
  return record.token
end

-- At the end of the queue, unless it has a place there.
local function enqueue(lock, owner)
  local last = redis.call('ZRANGE', lock.queue, -1, -1, 'WITHSCORES')
  local place = math.max(microseconds, (tonumber(last[2]) or 0) + 1)
  redis.call('ZADD', lock.queue, 'NX', int(place), owner)
end

local function isNext(lock, owner) return redis.call('ZRANGE', lock.queue, 0, 0)[1] == owner end

local function tell(record, word, owner)
  redis.call('PUBLISH', channels .. record.session, word .. ' ' .. owner)
end

-- Gives who waits longest a claim, as far as the lock is free for it: 2 s, or a third of the ttl, to confirm it.
local function pass(lock, ttl, me)
  while true do
    local head = redis.call('ZRANGE', lock.queue, 0, 0)[1]
    if not head then return end
    local record = lock.records[head]
    if record and not admits(lock, record.mode) then return end
    redis.call('ZREM', lock.queue, head)
    if record then
      if record.mode == 'x' then redis.call('HDEL', lock.state, head) end
      record.status = 'c'
      take(lock, head, record, math.min(2000, math.ceil(ttl / 3)))
      if head ~= me then tell(record, 'claim', head) end
    end
  end
end

local function drop(lock, owner)
  local record = lock.records[owner]
  lock.records[owner] = nil
  if record.mode == 's' or record.status == 'w' then redis.call('HDEL', lock.state, owner) end
  if record.status == 'w' then
    redis.call('ZREM', lock.queue, owner)
    return
  end
  lock.held = lock.held - 1
  if lock.held == 0 then
    redis.call('DEL', lock.key)
    lock.value = false
    return
  end
  -- As long as the last who shares it: it may have been the one that renewed.
  local till = now
  for _, other in pairs(lock.records) do
    if other.status ~= 'w' and other.till > till then till = other.till end
  end
  redis.call('PEXPIRE', lock.key, int(till - now + 1))
end

local function describe(list, lock, owner)
  local record = lock.records[owner]
  list[#list + 1] = { owner, record.mode, record.since, record.token, record.info }
end

local function holders(lock)
  local list = {}
  for owner, record in pairs(lock.records) do
    if record.status == 'h' then describe(list, lock, owner) end
  end
  if lock.value and lock.held == 0 then list[1] = { '', 'x', '0', '0', '' } end
  return list
end
`;
