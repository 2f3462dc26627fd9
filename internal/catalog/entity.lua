-- Begins an entity's change: refuses an old one, names its families old and new, and writes its blobs.
-- KEYS: entity (a hash of fence, families and a blob per screen).
-- ARGV: fence, new families (JSON array), then per screen its name and blob; none for a deletion.
-- Returns false when refused, else the families that the entity was in and is not any more (JSON array).
local key, fence, wanted = KEYS[1], ARGV[1], ARGV[2]
local state = redis.call('HMGET', key, 'fence', 'families')
if state[1] and fence < state[1] then return false end
local all, stale = wanted, '[]'
if state[2] and state[2] ~= wanted then
  local keep, union, gone = {}, cjson.decode(wanted), {}
  for _, f in ipairs(union) do keep[f] = true end
  for _, f in ipairs(cjson.decode(state[2])) do
    if not keep[f] then
      union[#union + 1] = f
      gone[#gone + 1] = f
    end
  end
  if #gone > 0 then all, stale = cjson.encode(union), cjson.encode(gone) end
end
if state[2] == '[]' then redis.call('PERSIST', key) end -- it lives again
redis.call('HSET', key, 'fence', fence, 'families', all, unpack(ARGV, 3))
return stale
