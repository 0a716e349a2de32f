/**
 * Puts a member into a sorted set that is scored by when the member is over, in milliseconds since the epoch: an earlier time
 * never takes the place of a later one. The set as a whole is over when its last member is. A few members that are over make
 * way, more of them than come.
 *
 * Of the arguments: the member; its score, `+inf` for none; how long it has left in milliseconds, empty for always; and what is
 * over before.
 */
export const addMemberScript = `
local left = redis.call("PTTL", KEYS[1])
redis.call("ZADD", KEYS[1], "GT", ARGV[2], ARGV[1])
if ARGV[3] == "" then
  redis.call("PERSIST", KEYS[1])
elseif left == -2 or (left >= 0 and left < tonumber(ARGV[3])) then
  redis.call("PEXPIRE", KEYS[1], ARGV[3])
end
for _, over in ipairs(redis.call("ZRANGEBYSCORE", KEYS[1], "-inf", "(" .. ARGV[4], "LIMIT", 0, 4)) do
  redis.call("ZREM", KEYS[1], over)
end
return 1`;

/** A page of the members of a sorted set with their scores. Every member that stays is in one page or more. */
export const scanMembersScript = `return redis.call("ZSCAN", KEYS[1], ARGV[1], "COUNT", ARGV[2])`;

/** Removes members of a sorted set. */
export const removeMembersScript = `return redis.call("ZREM", KEYS[1], unpack(ARGV))`;
