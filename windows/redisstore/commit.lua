-- Makes a checkpoint valid, or changes nothing.
-- KEYS: the manifest, the mark, the new blobs, the blobs that are replaced.
-- ARGV: token, sequence before, sequence after, digest, head, mark,
--       number of new blobs, number of manifest fields to set,
--       the fields to set as name and value, the names of the fields to delete.
-- Returns 1 (done), 2 (had been done), -1 (no manifest), -2 (another token),
-- -3 (another sequence), -4 (a new blob is missing).
local manifest, mark = KEYS[1], KEYS[2]
local blobs, fields = tonumber(ARGV[7]), tonumber(ARGV[8])
local stored = redis.call('HMGET', manifest, 'e', 't', 's', 'd')
local chunk = 500 -- below what unpack can take

if not stored[1] then return -1 end
if stored[2] ~= ARGV[1] then return -2 end

local sequence = stored[3] or '0'
if sequence == ARGV[3] and stored[4] == ARGV[4] then
  return 2 -- its blobs were made persistent by the same step
end
if sequence ~= ARGV[2] then return -3 end

for from = 3, 2 + blobs, chunk do
  local to = math.min(from + chunk - 1, 2 + blobs)
  if redis.call('EXISTS', unpack(KEYS, from, to)) ~= to - from + 1 then return -4 end
end

-- The first write is the only one that Redis can refuse for want of memory, and
-- it is one that Redis does refuse: nothing has changed then.
redis.call('HSET', manifest, 's', ARGV[3], 'd', ARGV[4], 'h', ARGV[5])
redis.call('SET', mark, ARGV[6])
for i = 0, fields - 1 do
  redis.call('HSET', manifest, ARGV[9 + 2 * i], ARGV[10 + 2 * i])
end
for i = 9 + 2 * fields, #ARGV do
  redis.call('HDEL', manifest, ARGV[i])
end
for i = 3, 2 + blobs do
  redis.call('PERSIST', KEYS[i])
end
for from = 3 + blobs, #KEYS, chunk do
  redis.call('UNLINK', unpack(KEYS, from, math.min(from + chunk - 1, #KEYS)))
end
return 1
