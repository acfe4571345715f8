-- Keeps an entry and gives back the lease that it was loaded under.
-- KEYS: the entry, the lease, the mark that somebody waits. ARGV: the entry's bytes, its life in ms, the owner, the
-- channel, the key's name.
redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
return give_back(KEYS[2], KEYS[3], ARGV[3], ARGV[4], ARGV[5])
