#!lua name=fraudml_limits_2

-- Each key's last requests stand in a list, newest first, in microseconds of this server's clock.

local function now_of(keys, given)
  local now = tonumber(given)
  if not now then
    local time = redis.call('TIME')
    now = time[1] * 1000000 + time[2]
  end
  -- A clock that was set back must not let more pass.
  return math.max(now, tonumber(redis.call('LINDEX', keys[1], 0) or 0))
end

-- How many of a list are younger than a moment.
local function younger(key, moment)
  local low, high = 0, redis.call('LLEN', key)
  while low < high do
    local middle = math.floor((low + high) / 2)
    local counts = tonumber(redis.call('LINDEX', key, middle)) > moment
    if counts then low = middle + 1 else high = middle end
  end
  return low
end

-- KEYS: the list. ARGV: the window in us, the limit, how many ask at this moment, and, in tests, the time in us.
-- Answers: how many of them pass, how many more may pass now, and in how many us the oldest that counts leaves
-- the window.
local function limit(keys, args)
  local window, most, count = tonumber(args[1]), tonumber(args[2]), tonumber(args[3])
  local now = now_of(keys, args[4])
  local passed = 0
  while passed < count do
    local bound = tonumber(redis.call('LINDEX', keys[1], most - 1))
    if bound and bound > now - window then break end
    redis.call('LPUSH', keys[1], string.format('%.0f', now))
    passed = passed + 1
  end
  if passed > 0 then
    redis.call('LTRIM', keys[1], 0, most - 1)
    redis.call('PEXPIRE', keys[1], math.ceil(window / 1000))
  end
  local low = younger(keys[1], now - window)
  local oldest = low > 0 and tonumber(redis.call('LINDEX', keys[1], low - 1)) or now - window
  return {passed, math.max(most - low, 0), string.format('%.0f', oldest + window - now)}
end

-- KEYS: the list. ARGV: the window in us, and, in tests, the time in us. Writes nothing.
local function used(keys, args)
  return younger(keys[1], now_of(keys, args[2]) - tonumber(args[1]))
end

redis.register_function('fraudml_limit_2', limit)
redis.register_function('fraudml_used_2', used)
