import type { WechatConfig } from "../config/config.ts";
import { ask, cleaned } from "./answers.ts";
import { type Wechat, WechatRefusedError } from "./wechat.ts";

const AUTHORIZE_URL = "https://open.weixin.qq.com/connect/oauth2/authorize";
const TIMEOUT_MS = 4_000;
/** An hour less than WeChat's own two, for answers that do not say. */
const TICKET_LIFE_SECONDS = 3_600;

/** WeChat's API for official accounts. No error names the secret, a code or a token. */
export function realWechat(
  config: WechatConfig,
  { timeoutMs = TIMEOUT_MS }: { timeoutMs?: number } = {},
): Wechat {
  const { appId, appSecret, endpoint } = config;

  /** The secrets go in the query, which is WeChat's way: so no address may reach an error. */
  async function call(path: string, query: Record<string, string>) {
    const url = new URL(path, endpoint);
    url.search = new URLSearchParams(query).toString();
    const secrets = [appSecret, ...Object.values(query)].filter((text) => text.length > 15);
    const { status, json } = await ask(url, { service: "WeChat", timeoutMs, secrets });
    const errcode = Number(json?.errcode ?? 0);
    if (errcode !== 0) {
      const text = cleaned(`refused: ${errcode} ${json?.errmsg}`, secrets);
      throw new WechatRefusedError(errcode, `WeChat: ${text}`);
    }
    if (status !== 200 || !json) {
      throw new Error(`WeChat: answered HTTP ${status} in an unknown form`);
    }
    return json;
  }

  return {
    appId,
    authorizeUrl({ returnTo, state }) {
      const url = new URL(AUTHORIZE_URL);
      // In this order: WeChat's page is known to be particular about it.
      url.search = new URLSearchParams([
        ["appid", appId],
        ["redirect_uri", returnTo],
        ["response_type", "code"],
        ["scope", "snsapi_base"],
        ["state", state],
      ]).toString();
      url.hash = "wechat_redirect";
      return url.href;
    },
    async openIdOf(code) {
      const { openid } = await call("/sns/oauth2/access_token", {
        appid: appId,
        secret: appSecret,
        code,
        grant_type: "authorization_code",
      });
      return textOf(openid);
    },
    async jsapiTicket() {
      const { access_token: token } = await call("/cgi-bin/token", {
        grant_type: "client_credential",
        appid: appId,
        secret: appSecret,
      });
      const { ticket, expires_in: life } = await call("/cgi-bin/ticket/getticket", {
        access_token: textOf(token),
        type: "jsapi",
      });
      const expiresInSeconds = Number.isSafeInteger(life) ? life as number : TICKET_LIFE_SECONDS;
      return { ticket: textOf(ticket), expiresInSeconds };
    },
  };
}

function textOf(value: unknown): string {
  if (typeof value === "string" && value !== "" && value.length <= 1_024) return value;
  throw new Error("WeChat: answered without what was asked for");
}
