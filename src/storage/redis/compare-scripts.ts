/**
 * Writes where the key still has the text that was read, or has nothing any more. `pcall`, since a key of another type is
 * another value too, and no error of the script.
 */
export const replaceScript = `
local held = redis.pcall("GET", KEYS[1])
if held and held ~= ARGV[1] then return 0 end
redis.call("SET", KEYS[1], unpack(ARGV, 2))
return 1`;

/** Deletes where the key still has the text that was read. */
export const deleteScript = `
if redis.pcall("GET", KEYS[1]) ~= ARGV[1] then return 0 end
return redis.call("DEL", KEYS[1])`;
