import type { CommandTable } from "./command.ts";
import type { Keyspace } from "./keyspace.ts";
import { addInteger, parseInteger } from "./numbers.ts";
import { type Reply, wrongArity } from "./reply.ts";

export const hashCommands: CommandTable = {
  hset: { arity: -4, run: hset },
  hget: { arity: 3, run: (keys, [key, field]) => keys.hash(key)?.get(field) ?? null },
  hgetall: { arity: 2, run: (keys, [key]) => [...keys.hash(key) ?? []].flat() },
  hdel: { arity: -3, run: hdel },
  hmget: { arity: -3, run: hmget },
  hexists: { arity: 3, run: (keys, [key, field]) => keys.hash(key)?.has(field) ? 1 : 0 },
  hincrby: { arity: 4, run: hincrby },
  hlen: { arity: 2, run: (keys, [key]) => keys.hash(key)?.size ?? 0 },
};

function hset(keys: Keyspace, [key, ...pairs]: string[]): Reply {
  if (pairs.length % 2 !== 0) throw wrongArity("hset");
  const hash = hashAt(keys, key);
  const before = hash.size;
  for (let i = 0; i < pairs.length; i += 2) hash.set(pairs[i], pairs[i + 1]);
  return hash.size - before;
}

function hdel(keys: Keyspace, [key, ...fields]: string[]): Reply {
  const hash = keys.hash(key);
  if (!hash) return 0;
  const removed = fields.filter((field) => hash.delete(field)).length;
  keys.dropIfEmpty(key, hash);
  return removed;
}

function hmget(keys: Keyspace, [key, ...fields]: string[]): Reply {
  const hash = keys.hash(key);
  return fields.map((field) => hash?.get(field) ?? null);
}

function hincrby(keys: Keyspace, [key, field, by]: string[]): Reply {
  const increment = parseInteger(by);
  const current = parseInteger(
    keys.hash(key)?.get(field) ?? "0",
    "ERR hash value is not an integer",
  );
  const sum = addInteger(current, increment);
  hashAt(keys, key).set(field, String(sum));
  return Number(sum);
}

function hashAt(keys: Keyspace, key: string): Map<string, string> {
  const found = keys.hash(key);
  if (found) return found;
  const created = new Map<string, string>();
  keys.set(key, created);
  return created;
}
