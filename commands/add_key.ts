import { contextFor, type Parts } from "../db/client/ctx.ts";
import { DomainError } from "../db/domain/errors.ts";
import { addOpsKey } from "../db/domain/operators/add_key.ts";
import { parseWords, UsageError } from "./usage.ts";

const usage = "usage: deno task key:add <name> [--group <id> …]";

/**
 * Makes a key for a script, good for all groups or for those named, and prints it with its secret
 * as JSON, this once.
 */
export async function runAddKeyCommand(
  parts: Parts,
  args: string[],
  print: (line: string) => void = console.log,
): Promise<void> {
  const { name, group } = parseWords(args, {
    usage,
    options: { group: { type: "string", multiple: true } },
  });
  if (group?.some((id) => !/^\d{1,15}$/.test(id))) {
    throw new UsageError(`a group's id is a number\n${usage}`);
  }
  const given = { name, groupIds: group?.map(Number) ?? null, actor: undefined };
  try {
    const { id, secret, groupIds } = await addOpsKey(contextFor(parts, "key:add"), given);
    print(JSON.stringify({ id, secret, name, group_ids: groupIds?.map(String) ?? null }));
  } catch (error) {
    throw error instanceof DomainError ? new UsageError(`${reasonOf(error)}\n${usage}`) : error;
  }

  function reasonOf({ kind }: DomainError): string {
    return kind === "group_missing"
      ? `one of the groups is not there: ${group!.join(", ")}`
      : "a name of 1 to 64 letters";
  }
}
