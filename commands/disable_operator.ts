import { contextFor, type Parts } from "../db/client/ctx.ts";
import { DomainError } from "../db/domain/errors.ts";
import { disableOperator } from "../db/domain/operators/revoke.ts";
import { findOperator } from "../db/domain/operators/set_operator.ts";
import { parseWords, UsageError } from "./usage.ts";

const usage = "usage: deno task operator:disable <name>";

/**
 * Disables the operator of that name, whose tokens all end, and prints them as JSON. A running
 * server refuses them within a minute, one that shares our Redis at once.
 */
export async function runDisableOperatorCommand(
  parts: Parts,
  args: string[],
  print: (line: string) => void = console.log,
): Promise<void> {
  const { name } = parseWords(args, { usage, options: {} });
  const ctx = contextFor(parts, "operator:disable");
  try {
    const operatorId = await findOperator(ctx, name);
    const { role, disabledAt } = await disableOperator(ctx, { operatorId, actor: undefined });
    print(JSON.stringify({ operator_id: operatorId, name, role, disabled_at: disabledAt }));
  } catch (error) {
    throw error instanceof DomainError ? new UsageError(`${reasonOf(error)}\n${usage}`) : error;
  }

  function reasonOf({ kind, message, english }: DomainError): string {
    if (kind === "operator_missing") return `no operator is called ${name}`;
    if (kind !== "operator_last_admin") return english ?? message;
    return `${name} is the last admin: make another first, with deno task operator:add`;
  }
}
