-- Applies records of a partition of requests, in their order: each once, however often it comes.
-- KEYS: position, due (a sorted set), entries (a hash), again (a set); all of one slot.
-- ARGV: incarnation, topic id, the first offset that may be missing, the offset after the last, now in Unix seconds; then for
--       each record op, offset, id, and of put score, entry; of fired the offset that it closes.
-- Returns "moved" when the index is not where the caller left it, else the earliest score ("" for none), the number of due,
-- of again.
local position = redis.call('GET', KEYS[1])
if not position then return {'moved'} end
local incarnation, next, topic = string.match(position, '^(%d+) (%d+) (%S+)')
next = tonumber(next)
if incarnation ~= ARGV[1] or topic ~= ARGV[2] or next < tonumber(ARGV[3]) then return {'moved'} end

-- An entry begins with its offset, in 16 hexadecimal digits; so does its member.
local function remove(id, entry)
  redis.call('ZREM', KEYS[2], string.sub(entry, 1, 16) .. id)
  redis.call('HDEL', KEYS[3], id)
  redis.call('SREM', KEYS[4], id)
end

local i = 6
while i <= #ARGV do
  local op, offset, id = ARGV[i], ARGV[i + 1], ARGV[i + 2]
  local fresh = tonumber(offset, 16) >= next
  local old = fresh and redis.call('HGET', KEYS[3], id)
  if op == 'put' then
    if fresh then
      if old then remove(id, old) end
      redis.call('HSET', KEYS[3], id, offset .. ARGV[i + 4])
      redis.call('ZADD', KEYS[2], ARGV[i + 3], offset .. id)
    end
    i = i + 5
  elseif op == 'cancel' then
    if old then remove(id, old) end
    i = i + 3
  else -- fired
    if old then
      if string.sub(old, 1, 16) <= ARGV[i + 3] then
        remove(id, old)
      else -- a newer request, which compaction would forget with what is behind this tombstone
        redis.call('SADD', KEYS[4], id)
      end
    end
    i = i + 4
  end
end
if tonumber(ARGV[4]) > next then redis.call('SET', KEYS[1], ARGV[1] .. ' ' .. ARGV[4] .. ' ' .. ARGV[2] .. ' ' .. ARGV[5]) end
return {'', redis.call('ZRANGE', KEYS[2], 0, 0, 'WITHSCORES')[2] or '', redis.call('ZCARD', KEYS[2]), redis.call('SCARD', KEYS[4])}
