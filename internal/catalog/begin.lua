-- Begins an entity's change: refuses an old one, names its families old and new, and writes its blobs.
-- KEYS: state, blob per screen.   ARGV: fence, new families (JSON array), "1" for a deletion, blob per screen.
-- Returns false when refused, else the families that the entity was in and is not any more (JSON array).
local fence, wanted = ARGV[1], cjson.decode(ARGV[2])
local state = redis.call('HMGET', KEYS[1], 'fence', 'families', 'done')
if state[1] and (fence < state[1] or (fence == state[1] and state[3] == '1')) then
  return false
end
local keep, all, stale = {}, {}, {}
for _, f in ipairs(wanted) do
  keep[f] = true
  all[#all + 1] = f
end
for _, f in ipairs(cjson.decode(state[2] or '[]')) do
  if not keep[f] then
    all[#all + 1] = f
    stale[#stale + 1] = f
  end
end
redis.call('HSET', KEYS[1], 'fence', fence, 'families', #all == 0 and '[]' or cjson.encode(all), 'done', '0')
redis.call('PERSIST', KEYS[1])
if ARGV[3] ~= '1' then
  for i = 2, #KEYS do
    if ARGV[i + 2] == '' then redis.call('DEL', KEYS[i]) else redis.call('SET', KEYS[i], ARGV[i + 2]) end
  end
end
return #stale == 0 and '[]' or cjson.encode(stale)
