-- Puts entities into a family's sets, moves them within them, or takes them out.
-- KEYS: members (a hash: entity id -> its fence, then its spec; and '' while the family is empty and expires). The
-- family's sets lie beside it.
-- ARGV: now (ms), how long a removed member's fence is kept (ms), then per entity its fence, its id and its spec: "" for
-- none, else JSON {n: note, p: [set, key, set, key, ...]}.
-- Returns, for each slug that an entity newly claims and others claim too, which entity (from 0), the slug, and the member
-- of the one that it takes the slug from, or "" when an older one keeps it.
local members, now, kept = KEYS[1], tonumber(ARGV[1]), tonumber(ARGV[2])
local base = string.sub(members, 1, -8) -- without "members"
local removed = base .. 'removed'
local call, sub = redis.call, string.sub

local ids = {''}
for i = 4, #ARGV, 3 do ids[#ids + 1] = ARGV[i] end
local stored = call('HMGET', members, unpack(ids))

-- What goes into one set, or the hash, goes in one command.
local adds, fields, claims, placed, emptied = {}, {}, {}, false, false
local function add(set, member)
  local list = adds[set]
  if not list then
    list = {}
    adds[set] = list
  end
  list[#list + 1] = 0
  list[#list + 1] = member
  if #list >= 1000 then
    call('ZADD', base .. set, unpack(list))
    adds[set] = nil
  end
end

local function slugOf(key) return string.match(key, '^(.*)\1') end -- behind a programme's id, which may have a \1

for n = 2, #ids do
  local id, old = ids[n], stored[n]
  local fence, spec = ARGV[3 * n - 3], ARGV[3 * n - 1]
  if not old or fence >= sub(old, 1, #fence) then
    local had = old and sub(old, #fence + 1) or ''
    if spec ~= had then
      local leaves, owned, same = {}, {}, false
      local new = spec ~= '' and cjson.decode(spec) or {n = '', p = {}}
      local was = had ~= '' and cjson.decode(had)
      if was then
        same = was.n == new.n
        for j = 1, #was.p, 2 do
          leaves[was.p[j] .. '\0' .. was.p[j + 1]] = j
          if was.p[j] == 'slug' then owned[slugOf(was.p[j + 1])] = true end
        end
      elseif old then
        call('ZREM', removed, id)
      end
      local tail, after = '\0' .. id .. '\0' .. new.n, new.p
      for j = 1, #after, 2 do
        local set, key = after[j], after[j + 1]
        local place = was and set .. '\0' .. key
        if same and leaves[place] then
          leaves[place] = nil
        else
          add(set, key .. tail)
          if set == 'slug' and not owned[slugOf(key)] then claims[#claims + 1] = {n - 2, slugOf(key), key .. tail} end
        end
      end
      if was then
        tail = '\0' .. id .. '\0' .. was.n
        for _, j in pairs(leaves) do call('ZREM', base .. was.p[j], was.p[j + 1] .. tail) end
      end
    end
    fields[#fields + 1] = id
    fields[#fields + 1] = fence .. spec
    if spec == '' then
      -- Its fence outlives it, so that a late write does not bring it back.
      call('ZADD', removed, now, id)
      emptied = true
    else
      placed = true
    end
  end
end
for set, list in pairs(adds) do call('ZADD', base .. set, unpack(list)) end
if #fields > 0 then call('HSET', members, unpack(fields)) end

if placed and stored[1] then
  call('HDEL', members, '')
  call('PERSIST', members)
  call('PERSIST', removed)
elseif emptied then
  for _, gone in ipairs(call('ZRANGEBYSCORE', removed, '-inf', now - kept, 'LIMIT', 0, 100)) do
    call('HDEL', members, gone)
    call('ZREM', removed, gone)
  end
  if stored[1] or call('HLEN', members) == call('ZCARD', removed) then
    call('HSET', members, '', '')
    call('PEXPIRE', members, kept)
    call('PEXPIRE', removed, kept)
  end
end

local contested = {}
for _, claim in ipairs(claims) do
  local slug = claim[2]
  local of = call('ZRANGEBYLEX', base .. 'slug', '[' .. slug .. '\1', '(' .. slug .. '\1\255', 'LIMIT', 0, 2)
  if of[2] then
    contested[#contested + 1] = claim[1]
    contested[#contested + 1] = slug
    contested[#contested + 1] = of[1] == claim[3] and of[2] or ''
  end
end
return contested
