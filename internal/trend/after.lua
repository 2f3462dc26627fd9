-- Reads what follows an item in a ranking, also when it is ranked elsewhere by now, or not at all.
-- KEYS: the ranking.   ARGV: the item's score and its id, the most items to return.
-- Returns ids and scores.
local key, score, id, n = KEYS[1], ARGV[1], ARGV[2], tonumber(ARGV[3])
if n < 1 then return {} end

-- Whether a is b or sorts before it by its bytes, as the ranking does; Lua would by the server's locale.
local function upTo(a, b)
  for i = 1, math.min(#a, #b) do
    local x, y = string.byte(a, i), string.byte(b, i)
    if x ~= y then return x < y end
  end
  return #a <= #b
end

-- Those of its score begin at low and end before high.
local low = redis.call('ZCOUNT', key, '-inf', '(' .. score)
local high = low + redis.call('ZCOUNT', key, score, score)
while low < high do
  local middle = math.floor((low + high) / 2)
  if upTo(redis.call('ZRANGE', key, middle, middle)[1], id) then low = middle + 1 else high = middle end
end
return redis.call('ZRANGE', key, low, low + n - 1, 'WITHSCORES')
