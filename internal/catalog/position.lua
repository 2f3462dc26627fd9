-- Stores partitions' positions, unless one of them is not what its writer stored last.
-- KEYS: positions (a hash).   ARGV: per partition its field, the value it must have ("" for none), the new value.
-- Returns the field that differs, or "".
for i = 1, #ARGV, 3 do
  if (redis.call('HGET', KEYS[1], ARGV[i]) or '') ~= ARGV[i + 1] then return ARGV[i] end
end
for i = 1, #ARGV, 3 do redis.call('HSET', KEYS[1], ARGV[i], ARGV[i + 2]) end
return ''
