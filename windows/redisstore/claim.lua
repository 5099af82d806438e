-- Takes a partition: counts the epoch up, stores the claim's token, and returns
-- the manifest, so that nothing can come between.
-- KEYS: the manifest. ARGV: the token.
--
-- Run twice it finds its own token and only returns the manifest.
if redis.call('HGET', KEYS[1], 't') ~= ARGV[1] then
  redis.call('HINCRBY', KEYS[1], 'e', 1) -- refused when memory is full: nothing has changed
  redis.call('HSET', KEYS[1], 't', ARGV[1])
end
return redis.call('HGETALL', KEYS[1])
