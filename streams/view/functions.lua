#!lua name=fraudml_1

-- One sweep's change to one state group: all of it, or nothing.
--
-- KEYS  the view key; W watermarks; N histories to append to; the histories to rewrite
-- ARGV  the view's value; W; N; W pairs of watermark as read and as it will be; N packed records;
--       a pair for each rewrite: SHA-1 of the history as read, and its smaller form
--
-- Answers: now; before (the watermarks are past it already); refused (view or watermarks are others).
local function apply(keys, args)
  if redis.call('GET', keys[1]) ~= args[1] then
    return 'refused'
  end
  local marks, appends = tonumber(args[2]), tonumber(args[3])
  local as_read, passed = true, true
  for i = 1, marks do
    local reached = tonumber(redis.call('GET', keys[1 + i]) or '0')
    as_read = as_read and reached == tonumber(args[2 + 2 * i])
    passed = passed and reached >= tonumber(args[3 + 2 * i])
  end
  if passed then
    return 'before'
  elseif not as_read then
    return 'refused'
  end
  for i = 1, marks do
    redis.call('SET', keys[1 + i], args[3 + 2 * i])
  end
  local argument = 3 + 2 * marks + appends
  for i = 2 + marks + appends, #keys do
    -- A history that somebody has appended to since is not replaced: it will be large enough again.
    local history = redis.call('GET', keys[i])
    if history and redis.sha1hex(history) == args[argument + 1] then
      redis.call('SET', keys[i], args[argument + 2])
    end
    argument = argument + 2
  end
  for i = 1, appends do
    redis.call('APPEND', keys[1 + marks + i], args[3 + 2 * marks + i])
  end
  return 'now'
end

-- KEYS the view key; ARGV its value as found (empty for none) and the new one. Answers 1 or 0.
local function adopt(keys, args)
  if (redis.call('GET', keys[1]) or '') ~= args[1] then
    return 0
  end
  redis.call('SET', keys[1], args[2])
  return 1
end

redis.register_function('fraudml_apply_1', apply)
redis.register_function('fraudml_adopt_1', adopt)
