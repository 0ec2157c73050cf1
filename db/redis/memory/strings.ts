import type { CommandTable } from "./command.ts";
import type { Keyspace } from "./keyspace.ts";
import { addInteger, parseInteger } from "./numbers.ts";
import { invalidExpiry, type Reply, syntaxError, wrongArity } from "./reply.ts";

export const stringCommands: CommandTable = {
  get: { arity: 2, run: (keys, [key]) => keys.string(key) ?? null },
  set: { arity: -3, run: set },
  getdel: { arity: 2, run: getDel },
  mget: { arity: -2, run: (keys, names) => names.map((key) => stringOrNull(keys, key)) },
  mset: { arity: -3, run: mset },
  incr: { arity: 2, run: (keys, [key]) => increment(keys, key, 1n) },
  decr: { arity: 2, run: (keys, [key]) => increment(keys, key, -1n) },
  incrby: { arity: 3, run: (keys, [key, by]) => increment(keys, key, parseInteger(by)) },
};

interface SetOptions {
  condition?: "nx" | "xx";
  get: boolean;
  keepTtl: boolean;
  expiry?: { unit: "ex" | "px" | "exat" | "pxat"; amount: string };
}

function set(keys: Keyspace, [key, value, ...words]: string[]): Reply {
  const options = parseSetOptions(words);
  const expiresAt = options.expiry && expiryMoment(options.expiry, keys.now());
  const answer = options.get ? keys.string(key) ?? null : "OK";
  const exists = keys.get(key) !== undefined;
  if (options.condition === "nx" ? exists : options.condition === "xx" && !exists) {
    return options.get ? answer : null;
  }
  keys.set(key, value, options.keepTtl ? keys.expiresAt(key) : expiresAt);
  return answer;
}

function parseSetOptions(words: string[]): SetOptions {
  const options: SetOptions = { get: false, keepTtl: false };
  for (let i = 0; i < words.length; i++) {
    const word = words[i].toLowerCase();
    switch (word) {
      case "nx":
      case "xx":
        if (options.condition && options.condition !== word) throw syntaxError();
        options.condition = word;
        break;
      case "get":
        options.get = true;
        break;
      case "keepttl":
        options.keepTtl = true;
        break;
      case "ex":
      case "px":
      case "exat":
      case "pxat":
        if (options.expiry || i + 1 === words.length) throw syntaxError();
        options.expiry = { unit: word, amount: words[++i] };
        break;
      default:
        throw syntaxError();
    }
  }
  if (options.keepTtl && options.expiry) throw syntaxError();
  return options;
}

function expiryMoment({ unit, amount }: NonNullable<SetOptions["expiry"]>, now: number): number {
  const given = parseInteger(amount);
  const ms = unit === "ex" || unit === "exat" ? given * 1000n : given;
  if (given <= 0n || ms >= 2n ** 63n) throw invalidExpiry("set");
  return unit === "ex" || unit === "px" ? now + Number(ms) : Number(ms);
}

function getDel(keys: Keyspace, [key]: string[]): Reply {
  const value = keys.string(key) ?? null;
  keys.delete(key);
  return value;
}

function mset(keys: Keyspace, args: string[]): Reply {
  if (args.length % 2 !== 0) throw wrongArity("mset");
  for (let i = 0; i < args.length; i += 2) keys.set(args[i], args[i + 1]);
  return "OK";
}

function stringOrNull(keys: Keyspace, key: string): Reply {
  const value = keys.get(key);
  return typeof value === "string" ? value : null;
}

function increment(keys: Keyspace, key: string, by: bigint): Reply {
  const sum = addInteger(parseInteger(keys.string(key) ?? "0"), by);
  keys.set(key, String(sum), keys.expiresAt(key));
  return Number(sum);
}
