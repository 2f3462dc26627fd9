-- Moves a partition on: its counts and its position together, unless its position is not what its writer left.
-- KEYS: the position, then the hashes that change.
-- ARGV: the position that it must have ("" for none), the new one, then per hash what is done to its fields (HINCRBY or
-- HSET), how long it is kept in ms, how many fields there are, and each field with its value; an empty one removes it.
-- Returns 1, also when it is moved already (the answer was lost), or 0 when the position differs.
local is = redis.call('GET', KEYS[1]) or ''
if is == ARGV[2] then return 1 end
if is ~= ARGV[1] then return 0 end
redis.call('SET', KEYS[1], ARGV[2])
local at = 3
for k = 2, #KEYS do
  local command, kept, last = ARGV[at], ARGV[at + 1], at + 1 + 2 * tonumber(ARGV[at + 2])
  for i = at + 3, last, 2 do
    if ARGV[i + 1] == '' then redis.call('HDEL', KEYS[k], ARGV[i]) else redis.call(command, KEYS[k], ARGV[i], ARGV[i + 1]) end
  end
  redis.call('PEXPIRE', KEYS[k], kept)
  at = last + 2
end
return 1
