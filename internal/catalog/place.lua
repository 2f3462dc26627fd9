-- Puts entities into a family's sets, moves them within them, or takes them out.
-- KEYS: members (a hash: entity id -> its fence, then its spec). The family's sets lie beside it.
-- ARGV: now (ms), how long a removed member's fence is kept (ms), then per entity its fence, its id and its spec: "" for
-- none, else JSON {n: note, p: [set, key, set, key, ...]}.
-- Returns per entity the first slug that it newly claims and an older one owns, or "".
local members, now, kept = KEYS[1], tonumber(ARGV[1]), tonumber(ARGV[2])
local base = string.sub(members, 1, -8) -- without "members"
local removed = base .. 'removed'
local call, sub = redis.call, string.sub
local contested = {}
for i = 3, #ARGV, 3 do
  local fence, id, spec = ARGV[i], ARGV[i + 1], ARGV[i + 2]
  local old = call('HGET', members, id)
  local had = old and sub(old, #fence + 1) or ''
  local lost = ''
  if not old or fence >= sub(old, 1, #fence) then
    if spec ~= had then
      local was = had ~= '' and cjson.decode(had) or {n = '', p = {}}
      local new = spec ~= '' and cjson.decode(spec) or {n = '', p = {}}
      local before, after, same = was.p, new.p, was.n == new.n
      -- leaves has the places that it had and, in the end, has not any more; claimed the slugs that it had.
      local leaves, claimed = {}, {}
      for j = 1, #before, 2 do
        local set = before[j]
        leaves[set .. '\0' .. before[j + 1]] = true
        if sub(set, 1, 5) == 'slug:' then claimed[set] = true end
      end
      local tail = '\0' .. id .. '\0' .. new.n
      for j = 1, #after, 2 do
        local set, key = after[j], after[j + 1]
        local place = set .. '\0' .. key
        if same and leaves[place] then
          leaves[place] = nil
        else
          local member = key .. tail
          call('ZADD', base .. set, 0, member)
          if lost == '' and sub(set, 1, 5) == 'slug:' and not claimed[set] and call('ZRANK', base .. set, member) > 0 then
            lost = sub(set, 6)
          end
        end
      end
      tail = '\0' .. id .. '\0' .. was.n
      for j = 1, #before, 2 do
        local set, key = before[j], before[j + 1]
        if leaves[set .. '\0' .. key] then call('ZREM', base .. set, key .. tail) end
      end
      if had == '' then
        if old then call('ZREM', removed, id) end
        -- The family may have been empty, and about to expire: both keys, or none.
        if call('PERSIST', members) == 1 then call('PERSIST', removed) end
      end
    end
    call('HSET', members, id, fence .. spec)
    if spec == '' then
      -- Its fence outlives it, so that a late write does not bring it back.
      call('ZADD', removed, now, id)
      for _, gone in ipairs(call('ZRANGEBYSCORE', removed, '-inf', now - kept, 'LIMIT', 0, 100)) do
        call('HDEL', members, gone)
        call('ZREM', removed, gone)
      end
      if call('HLEN', members) == call('ZCARD', removed) then
        call('PEXPIRE', members, kept)
        call('PEXPIRE', removed, kept)
      end
    end
  end
  contested[#contested + 1] = lost
end
return contested
