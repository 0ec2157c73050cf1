import { contextFor, type Parts } from "../db/client/ctx.ts";
import { DomainError } from "../db/domain/errors.ts";
import { disableOpsKey } from "../db/domain/operators/revoke.ts";
import { parseWords, UsageError } from "./usage.ts";

const usage = "usage: deno task key:disable <id>";

/**
 * Disables a script's key and prints it as JSON. A running server refuses it within a minute, one
 * that shares our Redis at once.
 */
export async function runDisableKeyCommand(
  parts: Parts,
  args: string[],
  print: (line: string) => void = console.log,
): Promise<void> {
  const { name: keyId } = parseWords(args, { usage, options: {} });
  const ctx = contextFor(parts, "key:disable");
  try {
    const { id, name, disabledAt } = await disableOpsKey(ctx, { keyId, actor: undefined });
    print(JSON.stringify({ id, name, disabled_at: disabledAt }));
  } catch (error) {
    throw error instanceof DomainError
      ? new UsageError(`there is no key ${keyId}\n${usage}`)
      : error;
  }
}
