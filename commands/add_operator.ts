import { contextFor, type Parts } from "../db/client/ctx.ts";
import { operatorRoles } from "../db/domain/operators/permissions.ts";
import { setOperator } from "../db/domain/operators/set_operator.ts";
import { issueOperatorToken } from "../db/domain/operators/tokens.ts";
import { parseWords, UsageError, usageErrorOf } from "./usage.ts";

const usage = `usage: deno task operator:add <name> --role <${
  operatorRoles.join("|")
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
  const role = operatorRoles.find((role) => role === words.role);
  if (!role) throw new UsageError(usage);
  const ctx = contextFor(parts, "operator:add");
  try {
    const { isNew, ...operator } = await setOperator(ctx, { name, role, mixinUserId });
    const { operatorId } = operator;
    const token = withToken ? await issueOperatorToken(ctx, { ...operator, role }) : undefined;
    print(JSON.stringify({ operator_id: operatorId, name, role, added: isNew, token }));
  } catch (error) {
    throw usageErrorOf(error, usage);
  }
}
