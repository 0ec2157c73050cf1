/**
 * Deletes a key as long as it holds a value: of a lock, whose holder may be late, only the holder's
 * own. One key and one argument; answers how many keys there are less.
 */
export const DELETE_HELD = `if redis.call("get", KEYS[1]) == ARGV[1] then
  return redis.call("del", KEYS[1])
end
return 0`;
