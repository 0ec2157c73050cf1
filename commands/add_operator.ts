import { contextFor, type Parts } from "../db/client/ctx.ts";
import { DomainError } from "../db/domain/errors.ts";
import { addOperator, type NewOperator } from "../db/domain/operators/add_operator.ts";
import { issueOperatorToken } from "../db/domain/operators/tokens.ts";

const ROLES: readonly NewOperator["role"][] = ["admin", "operator", "auditor"];
const USAGE = `usage: deno task operator:add <name> --role <${
  ROLES.join("|")
}> [--mixin <uuid>] [--token]`;

/** The command's words are off; the message says which there are. */
class UsageError extends Error {
  override name = "UsageError";
  constructor(why?: string) {
    super(why === undefined ? USAGE : `${why}\n${USAGE}`);
  }
}

/**
 * `deno task operator:add <name> --role operator [--mixin <uuid>] [--token]`: makes an operator, or
 * changes the one of that name, and prints them as JSON, with a token, this once, where asked for.
 */
export async function runOperatorCommand(
  parts: Parts,
  args: string[],
  print: (line: string) => void = console.log,
): Promise<void> {
  const { withToken, ...operator } = parseWords(args);
  const ctx = contextFor(parts, "operator:add");
  try {
    const { operatorId, isNew } = await addOperator(ctx, operator);
    const { name, role } = operator;
    const token = withToken ? await issueOperatorToken(ctx, { operatorId, role }) : undefined;
    print(JSON.stringify({ operator_id: operatorId, name, role, added: isNew, token }));
  } catch (error) {
    throw error instanceof DomainError ? new UsageError(error.message) : error;
  }
}

function parseWords(args: string[]): NewOperator & { withToken: boolean } {
  const [names, words]: [string[], Record<string, string>] = [[], {}];
  let withToken = false;
  for (let at = 0; at < args.length; at++) {
    const word = args[at]!;
    if (word === "--token") withToken = true;
    else if (word === "--role" || word === "--mixin") words[word] = args[++at] ?? "";
    else if (word.startsWith("--")) throw new UsageError();
    else names.push(word.trim());
  }
  const role = ROLES.find((role) => role === words["--role"]);
  if (names.length !== 1 || !role) throw new UsageError();
  return { name: names[0]!, role, mixinUserId: words["--mixin"], withToken };
}
