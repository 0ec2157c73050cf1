import { createHash } from "node:crypto";
import { randomHex32 } from "../../../config/keys.ts";
import type { Ctx } from "../../client/ctx.ts";
import { type JsapiTicketSource, readJsapiTicket } from "./jsapi_ticket.ts";

export interface JsSdkConfig {
  appId: string;
  jsapiTicket: string;
  nonceStr: string;
  /** Seconds. */
  timestamp: string;
  url: string;
  signature: string;
}

/**
 * @param url the page's address; what follows `#` is not signed
 * @throws {DomainError} `wechat_failed`
 */
export async function signPage(
  ctx: Ctx,
  source: JsapiTicketSource,
  url: string,
): Promise<JsSdkConfig> {
  const page = {
    jsapiTicket: await readJsapiTicket(ctx, source),
    nonceStr: randomHex32(),
    timestamp: String(Math.floor(ctx.now().getTime() / 1000)),
    url: url.split("#")[0]!,
  };
  return { ...page, appId: source.appId, signature: signatureOf(page) };
}

/** SHA-1 as WeChat documents it: names in the alphabet's order, values not encoded. */
export function signatureOf(page: Omit<JsSdkConfig, "appId" | "signature">): string {
  const { jsapiTicket, nonceStr, timestamp, url } = page;
  return createHash("sha1")
    .update(`jsapi_ticket=${jsapiTicket}&noncestr=${nonceStr}&timestamp=${timestamp}&url=${url}`)
    .digest("hex");
}
