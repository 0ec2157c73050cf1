import { contextFor, type Parts } from "../db/client/ctx.ts";
import { DomainError } from "../db/domain/errors.ts";
import { addApp } from "../db/domain/partners/add_app.ts";

const USAGE = "usage: deno task app:add <name> [--house] [--address <IP address> …]";

/** The command's words are off; the message says which there are. */
class UsageError extends Error {
  override name = "UsageError";
  constructor() {
    super(USAGE);
  }
}

/**
 * `deno task app:add <name> [--house] [--address 203.0.113.7 …]`: makes a partner app and prints its
 * `appid` and `appsecret` as JSON, this once.
 */
export async function runAppCommand(
  parts: Parts,
  args: string[],
  print: (line: string) => void = console.log,
): Promise<void> {
  const { name, isHouse, addresses } = parseWords(args);
  const app = { name, isHouse, addresses: addresses.length > 0 ? addresses : null };
  try {
    const ctx = contextFor(parts, "app:add");
    const { appId, secret } = await addApp(ctx, { ...app, actor: undefined });
    print(JSON.stringify({ appid: appId, appsecret: secret }));
  } catch (error) {
    throw error instanceof DomainError && error.kind === "params_invalid"
      ? new UsageError()
      : error;
  }
}

function parseWords(args: string[]): { name: string; isHouse: boolean; addresses: string[] } {
  const [names, addresses]: [string[], string[]] = [[], []];
  let isHouse = false;
  for (let at = 0; at < args.length; at++) {
    const word = args[at]!;
    if (word === "--house") isHouse = true;
    else if (word === "--address") addresses.push(args[++at] ?? "");
    else if (word.startsWith("--")) throw new UsageError();
    else names.push(word.trim());
  }
  if (names.length !== 1) throw new UsageError();
  return { name: names[0]!, isHouse, addresses };
}
