-- Ends the changes of entities that are where they are to be. One whose newer change has begun meanwhile is left alone.
-- KEYS: entities (see entity.lua).
-- ARGV: now (ms), how long a deleted one's fence is kept (ms), the three screens, then per entity its id and its fence.
local ids, done, gone = {''}, {}, {}
for i = 6, #ARGV, 2 do ids[#ids + 1] = ARGV[i] end
local stored = call('HMGET', hash, unpack(ids))
for n = 2, #ids do
  local fence = ARGV[2 * n + 3]
  if stored[n] and fence == sub(stored[n], 1, #fence) then
    done[#done + 1] = ids[n]
    if stored[n] == fence then gone[#gone + 1] = ids[n] end
  end
end
if #done > 0 then call('HDEL', base .. 'pending', unpack(done)) end
if #gone > 0 then
  for s = 3, 5 do call('HDEL', base .. ARGV[s], unpack(gone)) end
  bury(gone, tonumber(ARGV[1]), tonumber(ARGV[2]), stored[1])
end
return {}
