import { contextFor, type Parts } from "../db/client/ctx.ts";
import { DomainError } from "../db/domain/errors.ts";
import { addApp } from "../db/domain/partners/add_app.ts";
import { parseWords, UsageError } from "./usage.ts";

const usage = "usage: deno task app:add <name> [--house] [--address <IP address> …]";

/** Makes a partner app and prints its `appid` and `appsecret` as JSON, this once. */
export async function runAppCommand(
  parts: Parts,
  args: string[],
  print: (line: string) => void = console.log,
): Promise<void> {
  const { name, house = false, address = null } = parseWords(args, {
    usage,
    options: { house: { type: "boolean" }, address: { type: "string", multiple: true } },
  });
  try {
    const app = { name, isHouse: house, addresses: address, actor: undefined };
    const { appId, secret } = await addApp(contextFor(parts, "app:add"), app);
    print(JSON.stringify({ appid: appId, appsecret: secret }));
  } catch (error) {
    const isWrong = error instanceof DomainError && error.kind === "params_invalid";
    throw isWrong ? new UsageError(usage) : error;
  }
}
