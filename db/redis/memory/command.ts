import type { Keyspace } from "./keyspace.ts";
import type { Reply } from "./reply.ts";

export interface Command {
  /** As Redis counts it: the name included; negative means "at least". */
  arity: number;
  /** Runs without awaiting anything: that is what makes every command atomic. */
  run(keys: Keyspace, args: string[]): Reply;
}

export type CommandTable = Record<string, Command>;
