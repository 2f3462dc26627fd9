-- What the scripts that write begin with. KEYS[1] is a hash of what its slot knows of each id: a fence, then more. One that
-- is removed keeps its fence for a while, so that a late write does not bring it back; the sorted set "removed" has when
-- that was. A hash of nothing but removed ones expires, and says so in a field ''.
local call, sub = redis.call, string.sub
local hash = KEYS[1]
local base = string.match(hash, '^.*}:') -- of all keys of the slot
local removed = base .. 'removed'

-- revive keeps a hash that expires.
local function revive()
  call('HDEL', hash, '')
  call('PERSIST', hash)
  call('PERSIST', removed)
end

-- bury notes what is removed, and forgets the fences of those that have long been. Times are in ms.
local function bury(gone, now, kept, expires)
  for _, id in ipairs(gone) do call('ZADD', removed, now, id) end
  for _, id in ipairs(call('ZRANGEBYSCORE', removed, '-inf', now - kept, 'LIMIT', 0, 100)) do
    call('HDEL', hash, id)
    call('ZREM', removed, id)
  end
  if expires or call('HLEN', hash) == call('ZCARD', removed) then
    call('HSET', hash, '', '')
    call('PEXPIRE', hash, kept)
    call('PEXPIRE', removed, kept)
  end
end
