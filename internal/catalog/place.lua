-- Puts an entity into a family's sets, moves it within them, or takes it out.
-- KEYS: members, removed, then the family's sets.
-- ARGV: fence, entity id, now (ms), how long a removed member's fence is kept (ms), then per set its name, and its member or "".
-- Returns 0 when refused; else 1, or for a set named "claims" the entity's rank in it plus 1 (1: it owns the slug).
local members, removed = KEYS[1], KEYS[2]
local fence, id, now, kept = ARGV[1], ARGV[2], tonumber(ARGV[3]), tonumber(ARGV[4])
local old = redis.call('HGET', members, id)
old = old and cjson.decode(old) or {f = '', m = {}}
if fence < old.f then return 0 end
local places, placed, result = {}, false, 1
for i = 3, #KEYS do
  local name, member = ARGV[2 * i - 1], ARGV[2 * i]
  local was = old.m[name]
  if was and was ~= member then redis.call('ZREM', KEYS[i], was) end
  if member ~= '' then
    redis.call('ZADD', KEYS[i], 0, member)
    places[name] = member
    placed = true
    if name == 'claims' then result = redis.call('ZRANK', KEYS[i], member) + 1 end
  end
end
redis.call('HSET', members, id, cjson.encode({f = fence, m = places}))
if placed then
  redis.call('ZREM', removed, id)
  redis.call('PERSIST', members)
  redis.call('PERSIST', removed)
else
  -- Its fence outlives it, so that a late write does not bring it back.
  redis.call('ZADD', removed, now, id)
  for _, gone in ipairs(redis.call('ZRANGEBYSCORE', removed, '-inf', now - kept, 'LIMIT', 0, 100)) do
    redis.call('HDEL', members, gone)
    redis.call('ZREM', removed, gone)
  end
  if redis.call('HLEN', members) == redis.call('ZCARD', removed) then
    redis.call('PEXPIRE', members, kept)
    redis.call('PEXPIRE', removed, kept)
  end
end
return result
