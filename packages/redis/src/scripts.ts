import { script } from "./connection/script.js";
import { prelude } from "./prelude.js";

const clock = "local time = redis.call('TIME')";

/**
 * Of many locks at once. ARGV: ttl, record, then for each lock the owner, and the mode and whether to wait.
 * Asked again by the same owner, it says how that stands. Gives for each, in a list if there are several, the token of what is held; `busy` and
 * the holders; or `wait` and after how many milliseconds to look again, or -1.
 */
const acquire = `
local call, time = redis.call, redis.call('TIME')
local token = time[1] .. string.sub('00000' .. time[2], -6)
local answers, rest = {}, nil
for i = 1, #KEYS, 4 do
  local owner, how, asked, answer = ARGV[(i + 5) / 2], ARGV[(i + 7) / 2], nil, false
  if string.byte(how) == 120 then
    if call('EXISTS', KEYS[i], KEYS[i + 1], KEYS[i + 2]) == 0 then
      asked = '-'
    else
      local claim, value = 'coord:x c ' .. owner .. ' ', call('GET', KEYS[i])
      if value and string.sub(value, 1, #claim) == claim then
        asked = string.match(value, '^%S+', #claim + 1)
      end
    end
  end
  if asked then
    local last = call('GET', KEYS[i + 3])
    if not last or #last == 16 and last < token then
      call('SET', KEYS[i + 3], token, 'PX', '86400000')
      call('SET', KEYS[i], 'coord:x h ' .. owner .. ' ' .. asked .. ' 0 ' .. string.sub(token, 1, 13) .. ' ' ..
        token .. ' ' .. ARGV[2], 'PX', ARGV[1])
      answer = token
    end
  end
  answers[(i + 3) / 4] = answer
  if not answer then
    rest = rest or {}
    rest[#rest + 1] = i
  end
end
if not rest then return #answers > 1 and answers or answers[1] end
${prelude}
local ttl = tonumber(ARGV[1])
local session, info = string.match(ARGV[2], '^(%S+) (.*)$')
local function acquireOne(i)
  local owner, how = ARGV[(i + 5) / 2], ARGV[(i + 7) / 2]
  local mode = string.sub(how, 1, 1)
  local lock = load(i)
  local record = lock.records[owner]
  -- Others may have deleted the queue.
  if record and record.status == 'w' then enqueue(lock, owner) end
  pass(lock, ttl, owner)
  if not record then
    record = { mode = mode, since = int(now), token = '0', session = session, asked = '-', info = info }
    if admits(lock, mode) and redis.call('EXISTS', lock.queue) == 0 then
      return hold(lock, owner, record, ttl)
    end
    if string.sub(how, 2) == '0' then return { 'busy', holders(lock) } end
    enqueue(lock, owner)
    record.status = 'w'
  end
  if record.status ~= 'w' then
    lock.held = lock.held - 1
    if record.status == 'c' then return hold(lock, owner, record, ttl) end
    take(lock, owner, record, ttl)
    return record.token
  end
  record.till = now + ttl
  write(lock, owner, record)
  extend(lock.state, ttl)
  extend(lock.queue, ttl)
  if not isNext(lock, owner) then return { 'wait', -1 } end
  local left = redis.call('PTTL', lock.key)
  if left < 0 or lock.held == 0 and left > 250 then left = 250 end
  return { 'wait', left + 1 }
end
for _, i in ipairs(rest) do answers[(i + 3) / 4] = acquireOne(i) end
return #answers > 1 and answers or answers[1]
`;

/**
 * Of many locks at once. ARGV: ttl, then the owner for each lock. Gives for each, in a list if there are
 * several, 1 for a hold, else 0; a place in the queue or a claim is given up too.
 */
const release = `
local call, answers, rest = redis.call, {}, nil
for i = 1, #KEYS, 4 do
  local mine = 'coord:x h ' .. ARGV[(i + 7) / 4] .. ' - '
  local value = redis.pcall('GET', KEYS[i])
  if type(value) == 'table' then
    -- What others have put in its place.
    if not string.find(value.err, 'WRONGTYPE') then return value end
    redis.pcall('ZREM', KEYS[i + 2], ARGV[(i + 7) / 4])
    redis.pcall('HDEL', KEYS[i + 1], ARGV[(i + 7) / 4])
    answers[(i + 3) / 4] = 0
  elseif value and string.sub(value, 1, #mine) == mine and call('EXISTS', KEYS[i + 1], KEYS[i + 2]) == 0 then
    call('DEL', KEYS[i])
    answers[(i + 3) / 4] = 1
  else
    answers[(i + 3) / 4] = 0
    rest = rest or {}
    rest[#rest + 1] = i
  end
end
if not rest then return #answers > 1 and answers or answers[1] end
local time = call('TIME')
${prelude}
local ttl = tonumber(ARGV[1])
local function releaseOne(i)
  local owner = ARGV[(i + 7) / 4]
  local lock = load(i)
  local record = lock.records[owner]
  if not record then return 0 end
  drop(lock, owner)
  for breaker in string.gmatch(record.asked, '[^,-][^,]*') do
    redis.call('PUBLISH', channels .. breaker, 'given ' .. owner)
  end
  pass(lock, ttl)
  return record.status == 'h' and 1 or 0
end
for _, i in ipairs(rest) do answers[(i + 3) / 4] = releaseOne(i) end
return #answers > 1 and answers or answers[1]
`;

/**
 * Of many locks at once. ARGV: ttl, then an owner for each lock. Gives a letter for
 * each: `h` held, `b` held and to be given back, `c` claimed, `n` next of those who wait, `w` waiting behind, `g` gone.
 */
const renew = `${clock}${prelude}
local ttl = tonumber(ARGV[1])
local function renewOne(index, owner)
  local lock = keysAt(index)
  local value = redis.call('GET', lock.key)
  if value then
    local status, asked = string.match(value, '^coord:x (.) ' .. string.gsub(owner, '%p', '%%%0') .. ' (%S+)')
    if status == 'c' then return 'c' end
    if status then
      redis.call('PEXPIRE', lock.key, ARGV[1])
      return asked == '-' and 'h' or 'b'
    end
  end
  if redis.call('HEXISTS', lock.state, owner) == 0 then return 'g' end
  lock = load(index)
  local record = lock.records[owner]
  if not record then return 'g' end
  if record.status == 'c' then return 'c' end
  record.till = now + ttl
  write(lock, owner, record)
  extend(lock.state, ttl)
  if record.status == 'h' then
    extend(lock.key, ttl)
    return record.asked == '-' and 'h' or 'b'
  end
  enqueue(lock, owner)
  extend(lock.queue, ttl)
  pass(lock, ttl, owner)
  return record.status == 'w' and isNext(lock, owner) and 'n' or record.status
end
local answer = {}
for i = 2, #ARGV do
  local done, letter = pcall(renewOne, (i - 2) * 4 + 1, ARGV[i])
  -- What others have put in its place must not end all the rest.
  if not done and not string.find(type(letter) == 'table' and letter.err or letter, 'WRONGTYPE') then error(letter) end
  answer[i - 1] = done and letter or 'g'
end
return table.concat(answer)
`;

/** Gives the holders and those who wait, in order. */
const inspect = `${clock}${prelude}
local lock = load(1)
local waiters = {}
for _, owner in ipairs(redis.call('ZRANGE', lock.queue, 0, -1)) do
  if lock.records[owner] then describe(waiters, lock, owner) end
end
return { holders(lock), waiters }
`;

/**
 * ARGV: whether by force, token or nothing, session, ttl. Gives the holders it is about,
 * and for how many milliseconds the lock may still be theirs.
 */
const breakUp = `${clock}${prelude}
local force, token, session, ttl = ARGV[1] == '1', ARGV[2], ARGV[3], tonumber(ARGV[4])
local lock = load(1)
local about = {}
for _, holder in ipairs(holders(lock)) do
  local owner = holder[1]
  local record = lock.records[owner]
  if token == '' or token == holder[4] then
    about[#about + 1] = holder
    if not record then
      if force then redis.call('DEL', lock.key) lock.value = false end
    elseif force then
      drop(lock, owner)
      tell(record, 'broken', owner)
    else
      record.asked = record.asked .. ',' .. session
      write(lock, owner, record, math.max(1, redis.call('PTTL', lock.key)))
      tell(record, 'asked', owner)
    end
  end
end
local left = redis.call('PTTL', lock.key)
pass(lock, ttl)
return { about, left }
`;

/** What a session asks of the server, each in one step. */
export const scripts = {
  acquire: script(acquire),
  release: script(release),
  renew: script(renew),
  inspect: script(inspect),
  break: script(breakUp),
} as const;
