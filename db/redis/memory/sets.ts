import type { CommandTable } from "./command.ts";
import type { Keyspace } from "./keyspace.ts";
import type { Reply } from "./reply.ts";

export const setCommands: CommandTable = {
  sadd: { arity: -3, run: sadd },
  srem: { arity: -3, run: srem },
  smembers: { arity: 2, run: (keys, [key]) => [...keys.members(key) ?? []] },
  sismember: { arity: 3, run: (keys, [key, member]) => keys.members(key)?.has(member) ? 1 : 0 },
  scard: { arity: 2, run: (keys, [key]) => keys.members(key)?.size ?? 0 },
};

function sadd(keys: Keyspace, [key, ...members]: string[]): Reply {
  const found = keys.members(key);
  const set = found ?? new Set<string>();
  if (!found) keys.set(key, set);
  const before = set.size;
  for (const member of members) set.add(member);
  return set.size - before;
}

function srem(keys: Keyspace, [key, ...members]: string[]): Reply {
  const set = keys.members(key);
  if (!set) return 0;
  const removed = members.filter((member) => set.delete(member)).length;
  keys.dropIfEmpty(key, set);
  return removed;
}
