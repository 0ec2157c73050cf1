import type { TestApp } from "../harness.ts";
import { callGateway, type GatewayAnswer } from "./gateway.ts";

/** A browser as far as logging in needs one: cookies by path, redirections one at a time. */
export class Browser {
  readonly cookies = new Map<string, { value: string; path: string; attributes: string }>();

  constructor(
    private readonly app: Pick<TestApp, "fetch">,
    private readonly origin = "http://plaza.test",
  ) {}

  /** Opens an address; answers where it leads, and how. */
  async open(
    path: string,
    headers: Record<string, string> = {},
  ): Promise<{ status: number; location: string | null; body: string; headers: Headers }> {
    const url = new URL(path, this.origin);
    const response = await this.app.fetch(
      new Request(url, { headers: { Cookie: this.cookieFor(url.pathname), ...headers } }),
    );
    for (const line of response.headers.getSetCookie()) this.#keep(line);
    return {
      status: response.status,
      location: response.headers.get("location"),
      body: await response.text(),
      headers: response.headers,
    };
  }

  cookieFor(pathname: string): string {
    return [...this.cookies].filter(([, { path }]) => pathname.startsWith(path))
      .map(([name, { value }]) => `${name}=${value}`).join("; ");
  }

  #keep(line: string): void {
    const [, name, value, attributes] = /^([^=]+)=([^;]*);?(.*)$/.exec(line)!;
    const path = /path=([^;]+)/i.exec(attributes!)?.[1] ?? "/";
    if (/max-age=0\b/i.test(attributes!)) this.cookies.delete(name!);
    else this.cookies.set(name!, { value: value!, path, attributes: attributes! });
  }
}

/** Goes through the development login; answers the `Cookie` header of whoever did. */
export async function logInWithWechat(app: Pick<TestApp, "door">): Promise<string> {
  const browser = new Browser(app.door);
  let at: string | null = "/h5/weixin/login?returnTo=/page";
  while (at !== null && at !== "/page") at = (await browser.open(at)).location;
  return browser.cookieFor("/");
}

/** A signed call of an H5 page, with its cookie. */
export async function callH5(
  app: TestApp,
  path: string,
  { cookie, body = {}, method = "POST" }: {
    cookie?: string;
    body?: Record<string, unknown>;
    method?: string;
  } = {},
): Promise<GatewayAnswer> {
  return await callGateway(app, method, path, {
    headers: cookie ? { Cookie: cookie } : {},
    ...method === "GET" ? { query: body as Record<string, string> } : { body },
  });
}
