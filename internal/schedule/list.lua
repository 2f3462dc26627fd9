-- A page of members with their scores, from a place on.
-- KEYS: due.   ARGV: score, member (of the place; there is none such), before which score, how many.
redis.call('ZADD', KEYS[1], ARGV[1], ARGV[2]) -- for its rank alone
local rank = redis.call('ZRANK', KEYS[1], ARGV[2])
redis.call('ZREM', KEYS[1], ARGV[2])
local out = {}
local found = redis.call('ZRANGE', KEYS[1], rank, rank + tonumber(ARGV[4]) - 1, 'WITHSCORES')
for i = 1, #found, 2 do
  if tonumber(found[i + 1]) >= tonumber(ARGV[3]) then break end
  out[#out + 1] = found[i]
  out[#out + 1] = found[i + 1]
end
return out
