-- Tells a ranking the counts of items. What is told late does no harm: a count only grows.
-- KEYS: the ranking.   ARGV: how long it is kept in ms, how many items at the most, how many count for the answer, then
-- each item's id and its count.
-- Returns 1 when the first of them are others now, or in another order.
local key, top = KEYS[1], ARGV[3] - 1
local function first() return table.concat(redis.call('ZRANGE', key, 0, top), '\0') end
local before = first()
for i = 4, #ARGV, 2 do
  local had = redis.call('ZSCORE', key, ARGV[i])
  if not had or -tonumber(ARGV[i + 1]) < tonumber(had) then redis.call('ZADD', key, -tonumber(ARGV[i + 1]), ARGV[i]) end
end
redis.call('ZREMRANGEBYRANK', key, ARGV[2], -1)
redis.call('PEXPIRE', key, ARGV[1])
if first() == before then return 0 end
return 1
