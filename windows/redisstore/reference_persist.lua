-- Takes the time limit from a complete reference. Returns 0 when there is none.
-- KEYS: the reference.
if redis.call('HEXISTS', KEYS[1], 'head') == 0 then
  return 0
end
redis.call('PERSIST', KEYS[1])
return 1
