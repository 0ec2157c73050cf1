import { contextFor, type Parts } from "../db/client/ctx.ts";
import { DomainError } from "../db/domain/errors.ts";
import { addOperator, type NewOperator } from "../db/domain/operators/add_operator.ts";
import { issueOperatorToken } from "../db/domain/operators/tokens.ts";
import { parseWords, UsageError } from "./usage.ts";

const ROLES: readonly NewOperator["role"][] = ["admin", "operator", "auditor"];
const usage = `usage: deno task operator:add <name> --role <${
  ROLES.join("|")
}> [--mixin <uuid>] [--token]`;

/**
 * Makes an operator, or changes the one of that name, and prints them as JSON, with a token, this
 * once, where asked for.
 */
export async function runOperatorCommand(
  parts: Parts,
  args: string[],
  print: (line: string) => void = console.log,
): Promise<void> {
  const { name, mixin: mixinUserId, token: withToken, ...words } = parseWords(args, {
    usage,
    options: {
      role: { type: "string" },
      mixin: { type: "string" },
      token: { type: "boolean" },
    },
  });
  const role = ROLES.find((role) => role === words.role);
  if (!role) throw new UsageError(usage);
  const ctx = contextFor(parts, "operator:add");
  try {
    const { operatorId, isNew } = await addOperator(ctx, { name, role, mixinUserId });
    const token = withToken ? await issueOperatorToken(ctx, { operatorId, role }) : undefined;
    print(JSON.stringify({ operator_id: operatorId, name, role, added: isNew, token }));
  } catch (error) {
    throw error instanceof DomainError ? new UsageError(`${error.message}\n${usage}`) : error;
  }
}
