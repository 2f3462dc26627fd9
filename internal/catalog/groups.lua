-- Finds the groups of a sorted set, or of a part of it, whose members' keys begin alike, up to a separator. It jumps from
-- group to group.
-- KEYS: the set.   ARGV: the separator, the most groups to return, what the part's members begin with ("" for all).
-- Returns per group its first member, without the part's beginning, and how many it has.
local out, sep, part = {}, ARGV[1], ARGV[3]
local min, max = '-', '+'
if part ~= '' then min, max = '[' .. part, '(' .. part .. '\255' end
while #out < 2 * tonumber(ARGV[2]) do
  local first = redis.call('ZRANGEBYLEX', KEYS[1], min, max, 'LIMIT', 0, 1)[1]
  if not first then break end
  local past = '(' .. string.sub(first, 1, string.find(first, sep, #part + 1, true)) .. '\255'
  out[#out + 1] = string.sub(first, #part + 1)
  out[#out + 1] = redis.call('ZLEXCOUNT', KEYS[1], '[' .. first, past)
  min = past
end
return out
