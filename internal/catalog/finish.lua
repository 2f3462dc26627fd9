-- Ends an entity's change that left families or deletes it, once its families are right.
-- KEYS: entity.   ARGV: fence, families (JSON array), how long a deleted one's fence is kept (ms; "" for none deleted),
-- then the screens.
-- Returns 0 when a newer change has begun meanwhile.
if redis.call('HGET', KEYS[1], 'fence') ~= ARGV[1] then return 0 end
redis.call('HSET', KEYS[1], 'families', ARGV[2])
if ARGV[3] ~= '' then
  redis.call('HDEL', KEYS[1], unpack(ARGV, 4))
  redis.call('PEXPIRE', KEYS[1], ARGV[3])
end
return 1
