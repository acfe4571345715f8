-- KEYS: the lease, the mark that somebody waits. ARGV: the owner, the channel, the key's name.
return give_back(KEYS[1], KEYS[2], ARGV[1], ARGV[2], ARGV[3])
