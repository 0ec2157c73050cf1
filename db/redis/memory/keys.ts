import type { CommandTable } from "./command.ts";
import type { Keyspace } from "./keyspace.ts";
import { parseInteger } from "./numbers.ts";
import { invalidExpiry, type Reply, ReplyError, syntaxError, wrongArity } from "./reply.ts";

export const keyCommands: CommandTable = {
  ping: { arity: -1, run: ping },
  del: { arity: -2, run: (keys, names) => names.filter((key) => keys.delete(key)).length },
  exists: {
    arity: -2,
    run: (keys, names) => names.filter((key) => keys.get(key) !== undefined).length,
  },
  expire: { arity: -3, run: (keys, args) => expire(keys, args, "expire") },
  pexpire: { arity: -3, run: (keys, args) => expire(keys, args, "pexpire") },
  pexpireat: { arity: -3, run: (keys, args) => expire(keys, args, "pexpireat") },
  ttl: { arity: 2, run: (keys, [key]) => remaining(keys, key, (ms) => Math.round(ms / 1000)) },
  pttl: { arity: 2, run: (keys, [key]) => remaining(keys, key, (ms) => ms) },
  persist: { arity: 2, run: persist },
  dbsize: { arity: 1, run: (keys) => keys.liveCount() },
  flushall: { arity: -1, run: flushAll },
};

function ping(_keys: Keyspace, args: string[]): Reply {
  if (args.length > 1) throw wrongArity("ping");
  return args[0] ?? "PONG";
}

function expire(
  keys: Keyspace,
  [key, amount, ...options]: string[],
  command: "expire" | "pexpire" | "pexpireat",
): Reply {
  const flags = parseExpireFlags(options);
  const ms = parseInteger(amount) * (command === "expire" ? 1000n : 1n);
  const start = command === "pexpireat" ? 0n : BigInt(keys.now());
  const at = start + ms;
  if (at >= 2n ** 63n || ms < -(2n ** 63n)) throw invalidExpiry(command);
  if (keys.get(key) === undefined) return 0;
  if (!allowed(flags, keys.expiresAt(key), Number(at))) return 0;
  keys.expireAt(key, Number(at));
  return 1;
}

function parseExpireFlags(options: string[]): Set<string> {
  const flags = new Set<string>();
  for (const option of options) {
    const flag = option.toLowerCase();
    if (!["nx", "xx", "gt", "lt"].includes(flag)) {
      throw new ReplyError(`ERR Unsupported option ${option}`);
    }
    flags.add(flag);
  }
  if (flags.has("nx") && flags.size > 1) {
    throw new ReplyError(
      "ERR NX and XX, GT or LT options at the same time are not compatible",
    );
  }
  if (flags.has("gt") && flags.has("lt")) {
    throw new ReplyError("ERR GT and LT options at the same time are not compatible");
  }
  return flags;
}

/** A key without an expiry counts as one that lives longer than any other. */
function allowed(flags: Set<string>, current: number | undefined, at: number): boolean {
  if (flags.has("nx") && current !== undefined) return false;
  if (flags.has("xx") && current === undefined) return false;
  if (flags.has("gt") && at <= (current ?? Infinity)) return false;
  return !(flags.has("lt") && at >= (current ?? Infinity));
}

function remaining(keys: Keyspace, key: string, inUnit: (ms: number) => number): Reply {
  if (keys.get(key) === undefined) return -2;
  const expiresAt = keys.expiresAt(key);
  return expiresAt === undefined ? -1 : inUnit(Math.max(0, expiresAt - keys.now()));
}

function persist(keys: Keyspace, [key]: string[]): Reply {
  if (keys.expiresAt(key) === undefined) return 0;
  keys.expireAt(key, undefined);
  return 1;
}

function flushAll(keys: Keyspace, args: string[]): Reply {
  if (args.length > 1 || (args.length === 1 && !/^(a?sync)$/i.test(args[0]))) throw syntaxError();
  keys.clear();
  return "OK";
}
