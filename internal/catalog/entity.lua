-- Begins entities' changes: refuses old ones, writes the blobs, and notes where each entity is and may be.
-- KEYS: entities (see fences.lua: behind the fence is where it is to be, in the writer's words, "" for nowhere). Beside it
-- lie a hash for each screen (id -> blob) and "pending": id -> where else it may be, netstrings, until its change is done.
-- ARGV: the three screens, then per entity its fence, a fence below which all changes of its incarnation are done, its id, where it is to be
-- ("" for a deletion), its three blobs.
-- Returns which (from 0), what and where, for each entity that
--   "refused"  has been changed by something newer,
--   "new"      was nowhere; it is not noted as pending, for until its fence is below the next one's it counts as that,
--   "moved"    was at that one place,
--   "all"      may be at any of those places, and may not be where it is to be.
-- Others are where they are to be.
local ids = {''}
for i = 6, #ARGV, 7 do ids[#ids + 1] = ARGV[i] end
local pending = base .. 'pending'
local stored, open = call('HMGET', hash, unpack(ids)), call('HMGET', pending, unpack(ids))
local fields, blobs, opened, out, alive = {}, {{}, {}, {}}, {}, {}, false
local function tell(n, what, where)
  local size = #out
  out[size + 1], out[size + 2], out[size + 3] = n - 2, what, where
end
for n = 2, #ids do
  local at = 7 * n - 10
  local id, old, fence, done, place = ids[n], stored[n], ARGV[at], ARGV[at + 1], ARGV[at + 3]
  local before = old and sub(old, 1, #fence)
  if old and fence < before then
    tell(n, 'refused', '')
  else
    local was = old and sub(old, #fence + 1) or ''
    local unsure = old and (open[n] or fence == before or before >= done or sub(before, 1, 11) ~= sub(done, 1, 11))
    if not old and place ~= '' and fence >= done then
      tell(n, 'new', '')
    elseif not old or unsure or was ~= place then
      local where = open[n] or ''
      if was ~= '' and was ~= place then where = where .. #was .. ':' .. was end
      opened[#opened + 1] = id
      opened[#opened + 1] = where
      tell(n, (was == '' or unsure) and 'all' or 'moved', where)
    end
    fields[#fields + 1] = id
    fields[#fields + 1] = fence .. place
    if place ~= '' then
      if old and was == '' then call('ZREM', removed, id) end
      alive = true
      for s = 1, 3 do
        local to = blobs[s]
        to[#to + 1] = id
        to[#to + 1] = ARGV[at + 3 + s]
      end
    end
  end
end
if #opened > 0 then call('HSET', pending, unpack(opened)) end
if #fields > 0 then call('HSET', hash, unpack(fields)) end
if alive then
  for s = 1, 3 do call('HSET', base .. ARGV[s], unpack(blobs[s])) end
  if stored[1] then revive() end
end
return out
