export const APP_ID = "wxdf43cbdae5004909";
export const SECRET = "c2VjcmV0LW9mLXRoZS1hY2NvdW50LTE";
export const CODE = "061Qk0000FxYzA1ofc200wxYz94Qk00g";
export const OPEN_ID = "oLVPpjqs9BhvzwPj5A-vTYAX3GLc";
export const TICKET =
  "LIKLckvwlJT9cWIhEQTwfGnwmIrYHQ03Uc50v2sITHQ0yEHz5cqR-Q89_0UySQZSfFHhrzwhsblt_nYlgVAP8g";
const TOKEN = "72_ACCESS-token_of_the_account_0123456789";

export interface WechatStandIn {
  endpoint: string;
  /** Paths asked, in order. */
  asked: string[];
}

const refused = (errcode: number, errmsg: string) => Response.json({ errcode, errmsg });

/** Runs `body` against a stand-in that checks calls as WeChat documents them. */
export async function withWechat(
  body: (wechat: WechatStandIn) => Promise<void>,
  answer: (path: string) => Response | Promise<Response> | undefined = () => undefined,
): Promise<void> {
  const asked: string[] = [];
  const server = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen() {} }, async (request) => {
    const { pathname, searchParams: given } = new URL(request.url);
    asked.push(pathname);
    const replaced = await answer(pathname);
    if (replaced) return replaced;
    switch (pathname) {
      case "/sns/oauth2/access_token":
        if (given.get("appid") !== APP_ID) return refused(40013, "invalid appid");
        if (given.get("secret") !== SECRET) {
          return refused(40125, `invalid appsecret ${given.get("secret")}`);
        }
        if (given.get("grant_type") !== "authorization_code") return refused(40002, "grant_type");
        if (given.get("code") !== CODE) return refused(40029, `invalid code ${given.get("code")}`);
        return Response.json({ access_token: "user-token", expires_in: 7200, openid: OPEN_ID });
      case "/cgi-bin/token":
        if (given.get("appid") !== APP_ID) return refused(40013, "invalid appid");
        if (given.get("secret") !== SECRET) return refused(40125, "invalid appsecret");
        if (given.get("grant_type") !== "client_credential") return refused(40002, "grant_type");
        return Response.json({ access_token: TOKEN, expires_in: 7200 });
      case "/cgi-bin/ticket/getticket":
        if (given.get("access_token") !== TOKEN) return refused(40001, "invalid credential");
        if (given.get("type") !== "jsapi") return refused(40097, "invalid args");
        return Response.json({ errcode: 0, errmsg: "ok", ticket: TICKET, expires_in: 7200 });
      default:
        return new Response("not found", { status: 404 });
    }
  });
  try {
    await body({ endpoint: `http://127.0.0.1:${server.addr.port}`, asked });
  } finally {
    await server.shutdown();
  }
}
