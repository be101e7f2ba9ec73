/**
 * The scripts of {@link EventLog}: each is one atomic step, by the clock of Redis.
 *
 * KEYS: the events (a stream: event n has the id `n-0`), the state (a hash), the readers (a hash: how many each process has).
 * ARGV: the channel, the most events, their greatest age and the lease in milliseconds, the last event of a log whose writer
 * is gone; then those of each script.
 */
const state = `
local channel, maxEvents, maxAge, lease, farewell = ARGV[1], ARGV[2], tonumber(ARGV[3]), tonumber(ARGV[4]), ARGV[5]
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local stored = redis.call('HMGET', KEYS[2], 'last', 'writer', 'ended', 'made', 'due', 'late')
local exists = stored[1]
local last = tonumber(stored[1] or '0')
local writer = stored[2]
local ended = stored[3] == '1'
local made = tonumber(stored[4] or '0')
-- When its writer has to have been heard of again, or 0: a writer without a lease.
local due = tonumber(stored[5] or '0')
local late = tonumber(stored[6] or '0')

local function idOf(number)
  return string.format('%.0f-0', number)
end

local function keep()
  local life = maxAge
  -- One that is being written stays, until its writer has been silent for long.
  if not ended and due > 0 then life = math.max(maxAge, 4 * lease) end
  for _, key in ipairs(KEYS) do redis.call('PEXPIRE', key, life) end
end

local function make(name)
  redis.call('DEL', unpack(KEYS))
  redis.call('HSET', KEYS[2], 'last', 0, 'writer', name, 'made', now)
  made = now
end

local function add(name, data)
  last = last + 1
  redis.call('XADD', KEYS[1], idOf(last), 't', now - made, 'e', name, 'd', data)
end

-- Events that are too old; looks at one, and at more only where that is.
local function drop()
  local limit, count = now - maxAge - made, 1
  if limit < 0 then return end
  while true do
    local entries = redis.call('XRANGE', KEYS[1], '-', '+', 'COUNT', count)
    local spent
    for _, entry in ipairs(entries) do
      if tonumber(entry[2][2]) > limit then break end
      spent = entry[1]
    end
    if not spent then return end
    redis.call('XTRIM', KEYS[1], 'MINID', '=', idOf(tonumber(string.match(spent, '^%d+')) + 1))
    if spent ~= entries[#entries][1] then return end
    count = 100
  end
end

local function trim()
  redis.call('XTRIM', KEYS[1], 'MAXLEN', '=', maxEvents)
  drop()
end

local function finish()
  ended = true
  redis.call('HDEL', KEYS[2], 'due', 'late')
  redis.call('HSET', KEYS[2], 'ended', 1)
  keep()
  redis.call('PUBLISH', channel, 'end')
end

-- A writer who is silent beyond its lease gets half a lease more from when that is seen: where it was Redis that was away, it
-- has not been able to renew it.
local function look()
  if not exists or ended or due == 0 or now <= due then return end
  if late == 0 then
    redis.call('HSET', KEYS[2], 'late', now)
  elseif now - late >= lease / 2 then
    add('', farewell)
    redis.call('HSET', KEYS[2], 'last', last)
    trim()
    finish()
  end
end

local function placeOf(after)
  if not exists then return 'unknown' end
  if after > last or after < last - redis.call('XLEN', KEYS[1]) then return 'expired' end
  if ended and after == last then return 'ended' end
  return 'open'
end

-- A change that is sent again, because its answer was lost, has the number of one that was made.
local function countReader(process, number, change)
  local held = redis.call('HGET', KEYS[3], process)
  local count, made = 0, 0
  if held then
    local a, b = string.match(held, '^(%d+) %d+ (%d+)$')
    count, made = tonumber(a), tonumber(b)
  end
  if number <= made then return end
  count = count + change
  if count > 0 then
    redis.call('HSET', KEYS[3], process, string.format('%d %.0f %.0f', count, now + lease, number))
    redis.call('PEXPIRE', KEYS[3], redis.call('PTTL', KEYS[2]))
  else
    redis.call('HDEL', KEYS[3], process)
  end
  if change > 0 then redis.call('HSET', KEYS[2], 'joined', 1) end
  redis.call('PUBLISH', channel, 'readers')
end
`;

// ARGV: writer. 1 for the one who made it.
const create = `
if exists then return writer == ARGV[6] and 1 or 0 end
make(ARGV[6])
due = now + lease
redis.call('HSET', KEYS[2], 'due', due)
keep()
return 1
`;

// Makes the log for a writer who is still to come.
const open = `
if not exists then
  make('')
  keep()
end
return 1
`;

// ARGV: writer. The last id; -1 for one who had it before another took it.
const take = `
if not exists then
  make(ARGV[6])
elseif writer ~= ARGV[6] then
  if redis.call('HEXISTS', KEYS[2], 'was:' .. ARGV[6]) == 1 then return -1 end
  redis.call('HSET', KEYS[2], 'writer', ARGV[6], 'was:' .. writer, 1)
end
redis.call('HDEL', KEYS[2], 'ended', 'due', 'late')
ended, due = false, 0
keep()
return last
`;

// ARGV: writer, id of the first, name and data of each.
const append = `
if not exists then return 'unknown' end
if writer ~= ARGV[6] then return 'taken' end
if ended then return 'ended' end
local first = tonumber(ARGV[7])
if first > last + 1 then return 'gap' end
for index = 8 + 2 * (last + 1 - first), #ARGV, 2 do add(ARGV[index], ARGV[index + 1]) end
redis.call('HSET', KEYS[2], 'last', last)
if due > 0 then
  due = now + lease
  redis.call('HSET', KEYS[2], 'due', due)
  if late > 0 then redis.call('HDEL', KEYS[2], 'late') end
end
trim()
keep()
redis.call('PUBLISH', channel, string.format('%.0f', last))
return 'added'
`;

// ARGV: writer, or '' for anybody.
const end = `
if exists and not ended and (ARGV[6] == '' or ARGV[6] == writer) then finish() end
return 1
`;

// ARGV: after, process, number of the change.
const join = `
look()
drop()
local place = placeOf(tonumber(ARGV[6]))
if place == 'open' then countReader(ARGV[7], tonumber(ARGV[8]), 1) end
return place
`;

// ARGV: process, number of the change.
const leave = `
if exists then countReader(ARGV[6], tonumber(ARGV[7]), -1) end
return 1
`;

// ARGV: writer or '', process, how many readers it has or -1 where that is about to change, number of the last change.
// Whether the writer still is it.
const renew = `
if not exists then return 0 end
if ARGV[8] ~= '0' then
  local held = redis.call('HGET', KEYS[3], ARGV[7])
  local count = ARGV[8] ~= '-1' and ARGV[8] or (held and string.match(held, '^%d+'))
  if count then
    redis.call('HSET', KEYS[3], ARGV[7], string.format('%s %.0f %s', count, now + lease, ARGV[9]))
    redis.call('PEXPIRE', KEYS[3], redis.call('PTTL', KEYS[2]))
  end
end
if ARGV[6] == '' then return 1 end
if ended or writer ~= ARGV[6] then return 0 end
due = now + lease
redis.call('HSET', KEYS[2], 'due', due)
redis.call('HDEL', KEYS[2], 'late')
keep()
return 1
`;

// ARGV: after, limit. What a page has, name and data in turns; \`wait\` where nothing has come yet.
const read = `
look()
drop()
local after = tonumber(ARGV[6])
local place = placeOf(after)
if place ~= 'open' then return { place } end
if after == last then return { 'wait' } end
local page = { 'open' }
for _, entry in ipairs(redis.call('XRANGE', KEYS[1], idOf(after + 1), '+', 'COUNT', ARGV[7])) do
  page[#page + 1] = entry[2][4]
  page[#page + 1] = entry[2][6]
end
return page
`;

// How many readers there are, and whether there ever was one; without the processes that are gone.
const count = `
look()
if not exists or ended then return { 0, 0, 0 } end
local held, sum = redis.call('HGETALL', KEYS[3]), 0
for index = 1, #held, 2 do
  local count, untilTime = string.match(held[index + 1], '^(%d+) (%d+) ')
  if tonumber(untilTime) < now then redis.call('HDEL', KEYS[3], held[index]) else sum = sum + tonumber(count) end
end
return { 1, sum, tonumber(redis.call('HGET', KEYS[2], 'joined') or '0') }
`;

/** By the name of what they do. */
export const eventLogScripts = {
  create: state + create,
  open: state + open,
  take: state + take,
  append: state + append,
  end: state + end,
  join: state + join,
  leave: state + leave,
  renew: state + renew,
  read: state + read,
  count: state + count,
} as const;
