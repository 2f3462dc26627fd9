-- What is due, in its order, and what is to be appended again.
-- KEYS: position, due, entries, again.
-- ARGV: incarnation, topic id, the offset before which all is applied, as far as the caller knows; up to which score, how many.
-- Returns the number of ids to append again, then pairs of an id and its entry: those, then the due ones. None when the index
-- is not where the caller left it: then it may have what was fired and closed.
local incarnation, next, topic = string.match(redis.call('GET', KEYS[1]) or '', '^(%d+) (%d+) (%S+)')
if incarnation ~= ARGV[1] or topic ~= ARGV[2] or tonumber(next) < tonumber(ARGV[3]) then return {0} end

local out, again = {0}, 0
local function add(id)
  local entry = redis.call('HGET', KEYS[3], id)
  if entry then
    out[#out + 1] = id
    out[#out + 1] = entry
  end
  return entry
end
for _, id in ipairs(redis.call('SRANDMEMBER', KEYS[4], ARGV[5])) do
  if add(id) then again = again + 1 end
end
out[1] = again
for _, member in ipairs(redis.call('ZRANGEBYSCORE', KEYS[2], '-inf', ARGV[4], 'LIMIT', 0, ARGV[5])) do add(string.sub(member, 17)) end
return out
