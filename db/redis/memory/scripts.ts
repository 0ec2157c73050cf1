import { DELETE_HELD } from "../delete_held.ts";
import type { CommandTable } from "./command.ts";
import { ReplyError } from "./reply.ts";

/** Knows the one script there is; Lua is for real servers. */
export const scriptCommands: CommandTable = {
  eval: {
    arity: -3,
    run(keys, [script, count, key, holder]) {
      if (script !== DELETE_HELD || count !== "1") throw new ReplyError("ERR unknown script");
      return keys.string(key) === holder && keys.delete(key) ? 1 : 0;
    },
  },
};
