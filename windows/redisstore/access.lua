-- Calls every command that the other scripts call, on a key that is gone when it
-- ends, so that a user who may not call one of them is told before anything
-- depends on it.
-- KEYS: the key.
-- Returns the first command that failed and what Redis said; nothing when all went well.
local key = KEYS[1]
local function failed(command, ...)
  local answer = redis.pcall(command, ...)
  if type(answer) == 'table' and answer.err then
    return {command, answer.err}
  end
end
return failed('SET', key, '1', 'PX', '1000')
  or failed('UNLINK', key)
  or failed('HSET', key, 'a', '1')
  or failed('PEXPIRE', key, '1000')
  or failed('HINCRBY', key, 'a', 1)
  or failed('HGET', key, 'a')
  or failed('HMGET', key, 'a')
  or failed('HGETALL', key)
  or failed('HKEYS', key)
  or failed('HEXISTS', key, 'a')
  or failed('EXISTS', key)
  or failed('PTTL', key)
  or failed('PERSIST', key)
  or failed('HDEL', key, 'a')
  or failed('DEL', key)
  or {}
