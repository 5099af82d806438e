-- Tells what a shard has closed through, and the grids in force.
-- KEYS: the shard's hash. ARGV: through, generation, grids, owner, the generation
-- that this owner published before (-1: none).
-- Returns 1 (done), 0 (a newer owner has published: ignored), -1 (the owner, or
-- what it published, is not known: Redis has lost something).
--
-- What has been closed never shrinks. The grids are rewritten only when the
-- generation changes. Run twice it changes nothing the second time.
local stored = redis.call('HMGET', KEYS[1], 'p', 'g', 'o')
local through, generation = tonumber(ARGV[1]), tonumber(ARGV[2])
if stored[2] and tonumber(stored[2]) > generation then
  return 0
end
if stored[3] ~= ARGV[4] or tonumber(stored[2] or '-1') < tonumber(ARGV[5]) then
  return -1
end
local text = ARGV[1]
if stored[1] and tonumber(stored[1]) > through then
  text = stored[1]
end
if not stored[2] or tonumber(stored[2]) < generation then
  redis.call('HSET', KEYS[1], 'p', text, 'g', ARGV[2], 'n', ARGV[3])
elseif text ~= stored[1] then
  redis.call('HSET', KEYS[1], 'p', text)
end
return 1
