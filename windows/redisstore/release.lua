-- Gives a partition up, if it still is the claim's.
-- KEYS: the manifest. ARGV: the token.
if redis.call('HGET', KEYS[1], 't') ~= ARGV[1] then
  return 0
end
redis.call('HDEL', KEYS[1], 't')
return 1
