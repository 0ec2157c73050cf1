import { contextFor, type Parts } from "../db/client/ctx.ts";
import { DomainError } from "../db/domain/errors.ts";
import { addApp } from "../db/domain/partners/add_app.ts";
import { CUSTOMER_PROOFS } from "../db/domain/partners/rules.ts";
import { parseWords, UsageError } from "./usage.ts";

const usage = "usage: deno task app:add <name> [--house] [--address <IP address> …] " +
  `[--customer-proof ${CUSTOMER_PROOFS.join("|")}]`;

/** Makes a partner app and prints its `appid` and `appsecret` as JSON, this once. */
export async function runAppCommand(
  parts: Parts,
  args: string[],
  print: (line: string) => void = console.log,
): Promise<void> {
  const words = parseWords(args, {
    usage,
    options: {
      house: { type: "boolean" },
      address: { type: "string", multiple: true },
      "customer-proof": { type: "string", default: "device" },
    },
  });
  const { name, house = false, address = null } = words;
  const customerProof = CUSTOMER_PROOFS.find((proof) => proof === words["customer-proof"]);
  if (!customerProof) throw new UsageError(usage);
  try {
    const app = { name, isHouse: house, addresses: address, customerProof, actor: undefined };
    const { appId, secret } = await addApp(contextFor(parts, "app:add"), app);
    print(JSON.stringify({ appid: appId, appsecret: secret }));
  } catch (error) {
    const isWrong = error instanceof DomainError && error.kind === "params_invalid";
    throw isWrong ? new UsageError(usage) : error;
  }
}
