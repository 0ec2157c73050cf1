export type Reply = string | number | null | Reply[];

/** A refusal with the text a real server would send. */
export class ReplyError extends Error {
  override name = "ReplyError";
}

export const syntaxError = () => new ReplyError("ERR syntax error");

export const wrongType = () =>
  new ReplyError("WRONGTYPE Operation against a key holding the wrong kind of value");

export const wrongArity = (command: string) =>
  new ReplyError(`ERR wrong number of arguments for '${command}' command`);

export const invalidExpiry = (command: string) =>
  new ReplyError(`ERR invalid expire time in '${command}' command`);
