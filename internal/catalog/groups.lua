-- Finds the groups of a sorted set whose members' keys begin alike, up to a separator. It jumps from group to group.
-- KEYS: the set.   ARGV: the separator, the most groups to return.
-- Returns per group its first member and how many it has.
local out, min, sep = {}, '-', ARGV[1]
while #out < 2 * tonumber(ARGV[2]) do
  local first = redis.call('ZRANGEBYLEX', KEYS[1], min, '+', 'LIMIT', 0, 1)[1]
  if not first then break end
  local past = '(' .. string.sub(first, 1, string.find(first, sep, 1, true)) .. '\255'
  out[#out + 1] = first
  out[#out + 1] = redis.call('ZLEXCOUNT', KEYS[1], '[' .. first, past)
  min = past
end
return out
