const redisTime = `
local time = redis.call('TIME')
local now = time[1] * 1000 + time[2] / 1000
`;

// KEYS: the state of the limiter, a hash. ARGV: limit, interval and burst of requests, limit and interval of tokens (a limit of
// 0 is none), the interval of learnt limits, then those of each script.
const state = `
local fields = { 'requests', 'tokens', 'learntRequests', 'learntTokens', 'paused', 'looked', 'reserved', 'requestLimit', 'tokenLimit' }
local stored = redis.call('HMGET', KEYS[1], unpack(fields))
local values = {}
for index, field in ipairs(fields) do values[field] = tonumber(stored[index] or '0') end

-- A clock that is set back takes the plans with it.
local back = math.max(0, values.looked - now)
for _, field in ipairs({ 'requests', 'tokens', 'learntRequests', 'learntTokens', 'reserved' }) do values[field] = values[field] - back end
values.looked = now

local paces = {}
local function pace(field, limit, interval, burst, ofTokens)
  if limit <= 0 then return end
  local spacing = interval / limit
  paces[#paces + 1] = { field = field, spacing = spacing, tolerance = (burst - 1) * spacing, burst = burst, ofTokens = ofTokens }
end
local interval = tonumber(ARGV[6])
pace('requests', tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3]), false)
pace('tokens', tonumber(ARGV[4]), tonumber(ARGV[5]), 1, true)
pace('learntRequests', values.requestLimit, interval, 1, false)
pace('learntTokens', values.tokenLimit, interval, 1, true)

local function save()
  local given, latest = {}, math.max(now, values.paused)
  for _, field in ipairs(fields) do
    given[#given + 1] = field
    given[#given + 1] = string.format('%.17g', values[field])
  end
  for _, pace in ipairs(paces) do latest = math.max(latest, values[pace.field]) end
  redis.call('HSET', KEYS[1], unpack(given))
  -- What was learnt is kept for a day.
  redis.call('PEXPIRE', KEYS[1], string.format('%.0f', math.ceil(latest - now) + 86400000))
end

local function pause(milliseconds)
  if milliseconds > 0 then values.paused = math.max(values.paused, now + milliseconds) end
end

local function take(pace, cost, at)
  values[pace.field] = math.max(values[pace.field], at) + cost * pace.spacing
end
`;

// ARGV: for how long this process holds everybody back, weight and tokens of those who wait. For how long all are held back, how
// many could start now, whether tokens are limited; of each in turn until one has to wait: for how long, and until when it is planned.
const reserve = `
pause(tonumber(ARGV[7]))
local answers = {}
for index = 8, #ARGV, 2 do
  local start = math.max(now, values.paused)
  for _, pace in ipairs(paces) do start = math.max(start, values[pace.field] - pace.tolerance) end
  answers[#answers + 1] = string.format('%.17g', start - now)
  for _, pace in ipairs(paces) do take(pace, tonumber(ARGV[pace.ofTokens and index + 1 or index]), start) end
  for _, field in ipairs({ 'requests', 'learntRequests' }) do answers[#answers + 1] = string.format('%.17g', values[field]) end
  values.reserved = math.max(values.reserved, start)
  if start - now > 1e-6 then break end
end
local available, ofTokens = -1, 0
for _, pace in ipairs(paces) do
  local early = now - (values[pace.field] - pace.tolerance)
  local free = early < -1e-6 and 0 or math.min(pace.burst, math.floor(early / pace.spacing + 1e-6) + 1)
  if pace.ofTokens then
    ofTokens = 1
    if free == 0 then available = 0 end
  elseif available < 0 or free < available then
    available = free
  end
end
save()
return { string.format('%.17g', math.max(0, values.paused - now)), available, ofTokens, unpack(answers) }
`;

// ARGV: weight, tokens, until when it was planned by the requests and by the learnt requests. What is behind one who has yet to
// start stays where it is, or two would start at once.
const giveBack = `
local ends = { requests = tonumber(ARGV[9]), learntRequests = tonumber(ARGV[10]) }
for _, pace in ipairs(paces) do
  local planned = values[pace.field]
  if pace.ofTokens then
    values[pace.field] = planned - tonumber(ARGV[8]) * pace.spacing
  elseif values.reserved <= now + 1e-3 or math.abs(planned - ends[pace.field]) < 1e-3 then
    values[pace.field] = planned - math.max(0, math.min(tonumber(ARGV[7]) * pace.spacing, ends[pace.field] - now))
  end
end
save()
return 1
`;

// ARGV: tokens that were used beyond the estimate, or fewer.
const adjust = `
local tokens = tonumber(ARGV[7])
for _, pace in ipairs(paces) do
  if pace.ofTokens then
    if tokens > 0 then take(pace, tokens, now) else values[pace.field] = values[pace.field] + tokens * pace.spacing end
  end
end
save()
return 1
`;

// ARGV: channel, milliseconds, learnt limits of requests and tokens or 0. A limit takes the place of the one before it, and what
// is planned stays planned.
const tell = `
local milliseconds = tonumber(ARGV[8])
if tonumber(ARGV[9]) > 0 then values.requestLimit = tonumber(ARGV[9]) end
if tonumber(ARGV[10]) > 0 then values.tokenLimit = tonumber(ARGV[10]) end
pause(milliseconds)
save()
if milliseconds > 0 then redis.call('PUBLISH', ARGV[7], ARGV[8]) end
return 1
`;

/** The scripts of `redisRateLimiter`, each one atomic step. @param clock Sets `now`: that of Redis, but in tests. */
export function rateLimiterScripts(clock = redisTime): Readonly<Record<'reserve' | 'giveBack' | 'adjust' | 'tell', string>> {
  const head = clock + state;
  return { reserve: head + reserve, giveBack: head + giveBack, adjust: head + adjust, tell: head + tell };
}
