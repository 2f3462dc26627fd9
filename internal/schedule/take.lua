-- Takes out what is done.
-- KEYS: due, entries, again.   ARGV: for each op (fired or again), offset, id.
-- Returns the earliest score ("" for none), the number of due, of again.
for i = 1, #ARGV, 3 do
  local entry = redis.call('HGET', KEYS[2], ARGV[i + 2])
  if entry and string.sub(entry, 1, 16) == ARGV[i + 1] then
    redis.call('SREM', KEYS[3], ARGV[i + 2])
    if ARGV[i] == 'fired' then
      redis.call('ZREM', KEYS[1], ARGV[i + 1] .. ARGV[i + 2])
      redis.call('HDEL', KEYS[2], ARGV[i + 2])
    end
  end
end
return {redis.call('ZRANGE', KEYS[1], 0, 0, 'WITHSCORES')[2] or '', redis.call('ZCARD', KEYS[1]), redis.call('SCARD', KEYS[3])}
