import type { Requester } from "@upstash/redis";
import type { RedisTransport } from "../client.ts";
import { Channels } from "./channels.ts";
import type { CommandTable } from "./command.ts";
import { hashCommands } from "./hashes.ts";
import { keyCommands } from "./keys.ts";
import { Keyspace } from "./keyspace.ts";
import { type Reply, ReplyError, wrongArity } from "./reply.ts";
import { scriptCommands } from "./scripts.ts";
import { setCommands } from "./sets.ts";
import { sortedSetCommands } from "./sorted_sets.ts";
import { stringCommands } from "./strings.ts";

type Call = Parameters<Requester["request"]>[0];
type Answer = { result: Reply } | { error: string };

/** How much of an unknown command its refusal repeats, characters, as in Redis. */
const ECHO_LENGTH_MAX = 128;
const EXEC_ABORTED = "EXECABORT Transaction discarded because of previous errors.";

/**
 * A Redis inside this process: the commands Plaza uses, with the replies and error texts of a
 * real server, for installations that name none. Nothing is stored and nothing is shared with
 * another process. `now` is the clock expiry goes by, epoch ms.
 */
export function memoryTransport(options: { now?: () => number } = {}): RedisTransport {
  const keys = new Keyspace(options.now ?? Date.now);
  const channels = new Channels();
  const table: CommandTable = {
    ...keyCommands,
    ...stringCommands,
    ...hashCommands,
    ...setCommands,
    ...sortedSetCommands,
    ...scriptCommands,
    publish: { arity: 3, run: (_, [channel, text]) => channels.publish(channel, text) },
  };
  const run = (command: unknown): Answer => {
    const words = (command as unknown[]).map(String);
    keys.sweep();
    try {
      return { result: find(table, words).run(keys, words.slice(1)) };
    } catch (error) {
      if (error instanceof ReplyError) return { error: error.message };
      throw error;
    }
  };

  const answer = async (call: Call): Promise<unknown> => {
    const commands = call.body as unknown[];
    switch (call.path?.[0]) {
      case undefined:
        return run(commands);
      case "pipeline":
        return commands.map(run);
      case "multi-exec":
        return commands.map(isQueueable(table, commands) ? run : () => ({ error: EXEC_ABORTED }));
      case "subscribe":
        return await channels.subscribe(call.path.slice(1), call);
      default:
        throw new Error(`no such path: ${call.path?.join("/")}`);
    }
  };
  return {
    requester: { request: answer as Requester["request"] },
    close: () => {
      channels.close();
      keys.clear();
      return Promise.resolve();
    },
  };
}

function find(table: CommandTable, [name = "", ...args]: string[]) {
  const known = name.toLowerCase();
  if (!Object.hasOwn(table, known)) throw unknownCommand(name, args);
  const command = table[known];
  const count = args.length + 1;
  if (command.arity < 0 ? count < -command.arity : count !== command.arity) {
    throw wrongArity(known);
  }
  return command;
}

function unknownCommand(name: string, args: string[]): ReplyError {
  let echo = "";
  for (const arg of args) {
    if (echo.length >= ECHO_LENGTH_MAX) break;
    echo += `'${arg.slice(0, ECHO_LENGTH_MAX - echo.length)}' `;
  }
  return new ReplyError(
    `ERR unknown command '${name.slice(0, ECHO_LENGTH_MAX)}', with args beginning with: ${echo}`,
  );
}

/** A transaction with a command that cannot even be queued is not begun at all. */
function isQueueable(table: CommandTable, commands: unknown[]): boolean {
  try {
    for (const command of commands) find(table, (command as unknown[]).map(String));
    return true;
  } catch {
    return false;
  }
}
