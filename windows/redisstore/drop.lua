-- Drops what a partition that has ended holds of a shard; with the last shard's,
-- everything.
-- KEYS: the manifest, the mark, the shard's blobs. ARGV: the shard's field.
--
-- Run twice it finds nothing left to drop.
redis.call('HDEL', KEYS[1], ARGV[1])
local chunk = 500 -- below what unpack can take
for from = 3, #KEYS, chunk do
  redis.call('UNLINK', unpack(KEYS, from, math.min(from + chunk - 1, #KEYS)))
end
for _, field in ipairs(redis.call('HKEYS', KEYS[1])) do
  if string.match(field, '^s%d+$') then
    return 1
  end
end
redis.call('DEL', KEYS[1], KEYS[2])
return 0
