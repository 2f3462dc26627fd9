-- Puts entities into a family's sets and among the claims on its slugs, and takes them out: all of them, or none when the
-- family knows something newer of one.
-- KEYS: members (see fences.lua). Beside it lie the family's sets, and "claims": a hash of the claims on each slug, the
-- oldest first, NUL between.
-- ARGV: now (ms), how long a removed member's fence is kept (ms), then four lists, each after its length: entities (id, fence),
-- those of them that leave the family (id), claims to give up (slug, claim), claims to make (slug, claim, and if the entity
-- had none on this slug which it is); then up to the end commands: name, set, how many arguments, arguments.
-- Returns two lists: the entities (from 0) of which something newer is known; and, for each slug that is newly claimed and
-- another's too, which entity claims it, the slug, and its two oldest claims.
local at = 3
local function list() -- begins and ends there in ARGV
  local from = at + 1
  at = from + tonumber(ARGV[at])
  return from, at - 1
end

local first, last = list()
local ids = {''}
for i = first, last, 2 do ids[#ids + 1] = ARGV[i] end
local stored, known, newer = call('HMGET', hash, unpack(ids)), {}, {}
for n = 2, #ids do
  if stored[n] then
    known[#known + 1] = ids[n]
    if ARGV[first + 2 * n - 3] < stored[n] then newer[#newer + 1] = n - 2 end
  end
end
if #newer > 0 then return {newer, {}} end
if #known > 0 then call('ZREM', removed, unpack(known)) end
call('HSET', hash, unpack(ARGV, first, last))

local goneFrom, goneTo = list()
local stays = #ids - 1 > goneTo - goneFrom + 1
if stays and stored[1] then
  revive()
  stored[1] = nil
end
if goneTo >= goneFrom then
  bury({unpack(ARGV, goneFrom, goneTo)}, tonumber(ARGV[1]), tonumber(ARGV[2]), stored[1])
end

local leaveFrom, leaveTo = list()
local joinFrom, joinTo = list()
while at < #ARGV do
  local name, set = ARGV[at], base .. ARGV[at + 1]
  at = at + 2
  call(name, set, unpack(ARGV, list()))
end
if joinTo < joinFrom and leaveTo < leaveFrom then return {{}, {}} end

-- Of each slug all claims.
local slugs, claims = {}, {}
local function name(slug)
  if claims[slug] == nil then
    claims[slug] = false
    slugs[#slugs + 1] = slug
  end
end
for i = leaveFrom, leaveTo, 2 do name(ARGV[i]) end
for i = joinFrom, joinTo, 3 do name(ARGV[i]) end
local key, most = base .. 'claims', 1000 -- of what one command has
for from = 1, #slugs, most do
  local to = math.min(from + most - 1, #slugs)
  for i, all in ipairs(call('HMGET', key, unpack(slugs, from, to))) do claims[slugs[from + i - 1]] = all end
end

for i = leaveFrom, leaveTo, 2 do
  local slug, claim = ARGV[i], ARGV[i + 1]
  if claims[slug] then
    local all = '\0' .. claims[slug] .. '\0'
    local from, to = string.find(all, '\0' .. claim .. '\0', 1, true)
    if from then all = sub(all, 1, from) .. sub(all, to + 1) end
    claims[slug] = #all > 1 and sub(all, 2, -2)
  end
end

local function insert(all, claim) -- nil when it is there
  local from = 1
  repeat
    local stop = string.find(all, '\0', from, true)
    local other = sub(all, from, (stop or 0) - 1)
    if other == claim then return nil end
    if claim < other then return sub(all, 1, from - 1) .. claim .. '\0' .. sub(all, from) end
    from = (stop or 0) + 1
  until not stop
  return all .. '\0' .. claim
end
local fresh = {}
for i = joinFrom, joinTo, 3 do
  local slug, claim, which = ARGV[i], ARGV[i + 1], ARGV[i + 2]
  local all = claims[slug]
  if all then claim = insert(all, claim) end
  if claim then
    claims[slug] = claim
    if which ~= '' then fresh[#fresh + 1] = i end
  end
end

local sets, dels = {}, {}
for i, slug in ipairs(slugs) do
  if claims[slug] then
    sets[#sets + 1] = slug
    sets[#sets + 1] = claims[slug]
  else
    dels[#dels + 1] = slug
  end
  if #sets >= most or i == #slugs and #sets > 0 then
    call('HSET', key, unpack(sets))
    sets = {}
  end
  if #dels >= most or i == #slugs and #dels > 0 then
    call('HDEL', key, unpack(dels))
    dels = {}
  end
end

local contested = {}
for _, i in ipairs(fresh) do
  local all, size = claims[ARGV[i]], #contested
  local stop = string.find(all, '\0', 1, true)
  if stop then
    contested[size + 1], contested[size + 2] = tonumber(ARGV[i + 2]), ARGV[i]
    contested[size + 3] = sub(all, 1, stop - 1)
    contested[size + 4] = sub(all, stop + 1, (string.find(all, '\0', stop + 1, true) or 0) - 1)
  end
end
return {{}, contested}
