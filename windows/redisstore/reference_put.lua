-- Adds fields to a reference. Until it is made persistent it has a time limit,
-- which every step renews.
-- KEYS: the reference. ARGV: time limit in milliseconds, fields as name and value.
-- Returns 1 when the reference is complete, which the field 'head' tells: it
-- comes with the last step.
--
-- References are immutable, so running it twice writes the same again.
local kept = redis.call('EXISTS', KEYS[1]) == 1 and redis.call('PTTL', KEYS[1]) == -1
for i = 2, #ARGV, 2 do
  redis.call('HSET', KEYS[1], ARGV[i], ARGV[i + 1])
end
if not kept then
  redis.call('PEXPIRE', KEYS[1], ARGV[1])
end
return redis.call('HEXISTS', KEYS[1], 'head')
