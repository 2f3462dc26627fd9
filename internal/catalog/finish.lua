-- Ends an entity's change, once its families are right.
-- KEYS: state, blob per screen.   ARGV: fence, families (JSON array), "1" for a deletion, how long its fence is kept (ms).
-- Returns 0 when a newer change has begun meanwhile.
if redis.call('HGET', KEYS[1], 'fence') ~= ARGV[1] then return 0 end
redis.call('HSET', KEYS[1], 'families', ARGV[2], 'done', '1')
if ARGV[3] == '1' then
  for i = 2, #KEYS do redis.call('DEL', KEYS[i]) end
  redis.call('PEXPIRE', KEYS[1], ARGV[4])
end
return 1
