import { type Context, Hono } from "hono";
import { deleteCookie, getCookie, setCookie } from "hono/cookie";
import type { Config } from "../../config/config.ts";
import { randomHex32, sameSecret } from "../../config/keys.ts";
import type { Ctx } from "../../db/client/ctx.ts";
import { DomainError } from "../../db/domain/errors.ts";
import {
  openWechatLogin,
  sealWechatLogin,
  sealWechatSession,
  WECHAT_LOGIN_LIFE_MS,
  WECHAT_SESSION_LIFE_MS,
} from "../../db/domain/wechat/session.ts";
import { admit } from "../../middleware/admission.ts";
import { countersOf, perAddress } from "../../middleware/rate_limit.ts";
import { type Wechat, WechatRefusedError } from "../../providers/wechat.ts";
import type { Deps } from "../deps.ts";
import { originOf } from "../origin.ts";
import { answerFailure, type Env } from "../serve.ts";
import { isAtDevDoor } from "../../middleware/dev_doors.ts";
import { loadSurface } from "../surfaces.ts";
import { WECHAT_COOKIE } from "./cookie.ts";

/** A login under way; only its own two addresses see it. */
const LOGIN_COOKIE = "plaza_wx_login";
const LOGIN_PATH = "/h5/weixin";
/** Sealed it has to fit a cookie. */
const RETURN_TO_LENGTH_MAX = 1_024;
/** Many people share the addresses of a mobile carrier. */
const CALLBACK_RATE = perAddress(300, "1 min");

/**
 * Logging in to H5 with WeChat (OAuth 2.0, code flow). Raw Hono: a browser walks through here, so
 * the answers are redirections and cookies.
 */
export function wechatRoutes({ config, providers }: Deps): Hono<Env> {
  const hono = new Hono<Env>();
  /** WeChat, or at a door of development what stands in for it. */
  const presentWechat = (c: Context<Env>): Wechat => {
    const { wechat } = providers;
    if (!wechat || !config.wechat && !isAtDevDoor(c, config)) {
      throw new DomainError("wechat_failed");
    }
    return wechat;
  };

  hono.get(`${LOGIN_PATH}/login`, (c) =>
    answering(c, () => {
      const wechat = presentWechat(c);
      const returnTo = safeReturnTo(config, c.req.query("returnTo"));
      const state = randomHex32();
      setCookie(c, LOGIN_COOKIE, sealWechatLogin(c.get("ctx"), { state, returnTo }), {
        ...cookieOptions(c, config),
        path: LOGIN_PATH,
        maxAge: WECHAT_LOGIN_LIFE_MS / 1000,
      });
      // WeChat itself refuses addresses not registered with it.
      const callback = `${originOf(config, c.req)}${LOGIN_PATH}/callback`;
      return c.redirect(wechat.authorizeUrl({ returnTo: callback, state }));
    }));

  hono.get(`${LOGIN_PATH}/callback`, (c) =>
    answering(c, async () => {
      const ctx = c.get("ctx");
      const wechat = presentWechat(c);
      const { code = "", state = "" } = c.req.query();
      // Bound to the browser that began: a link with somebody else's code logs nobody in.
      const login = openWechatLogin(ctx, getCookie(c, LOGIN_COOKIE));
      if (!login || !sameSecret(login.state, state) || !/^[\w-]{1,128}$/.test(code)) {
        throw new DomainError("request_malformed", { message: "登录已过期，请重试" });
      }
      await admitOnce(ctx, c.get("address"), state);
      const openId = await openIdOf(wechat, code);
      deleteCookie(c, LOGIN_COOKIE, { path: LOGIN_PATH });
      setCookie(c, WECHAT_COOKIE, sealWechatSession(ctx, openId), {
        ...cookieOptions(c, config),
        path: "/",
        maxAge: WECHAT_SESSION_LIFE_MS / 1000,
      });
      return c.redirect(login.returnTo);
    }));

  if (providers.outbox && !config.wechat) {
    // In the place of WeChat's own page, and at once: there is nobody to ask.
    hono.get("/dev/wechat", async (c, next) => {
      if (!isAtDevDoor(c, config)) return await next();
      const { code = "", state = "" } = c.req.query();
      return c.redirect(`${LOGIN_PATH}/callback?${new URLSearchParams({ code, state })}`);
    });
  }
  return hono;
}

/** Failures look like the gateway's, whose pages these are. */
async function answering(
  c: Context<Env>,
  answer: () => Response | Promise<Response>,
): Promise<Response> {
  c.header("Cache-Control", "no-store");
  try {
    return await answer();
  } catch (error) {
    return answerFailure(c, await loadSurface("gateway"), error);
  }
}

/** A state is good once, and nobody makes us call WeChat without end. */
async function admitOnce(ctx: Ctx, address: string, state: string): Promise<void> {
  await admit(ctx, {
    useOnce: [{ key: `wechat:state:${state}`, windowMs: WECHAT_LOGIN_LIFE_MS }],
    counters: countersOf([{ of: "wechat-login", rate: CALLBACK_RATE }], {
      caller: address,
      address,
      factor: ctx.config.rateFactor,
    }),
  });
}

async function openIdOf(wechat: Wechat, code: string): Promise<string> {
  try {
    return await wechat.openIdOf(code);
  } catch (cause) {
    const isRefused = cause instanceof WechatRefusedError;
    throw new DomainError(isRefused ? "wechat_login_needed" : "wechat_failed", { cause });
  }
}

function cookieOptions(c: Context<Env>, config: Config) {
  return { httpOnly: true, sameSite: "Lax", secure: isHttps(c, config) } as const;
}

function isHttps(c: Context<Env>, config: Config): boolean {
  return originOf(config, c.req).startsWith("https:") ||
    config.trustedProxyCount > 0 && c.req.header("x-forwarded-proto") === "https";
}

/**
 * Where a login may lead: a path of ours, or a page of the two addresses the installation names.
 *
 * @throws {DomainError} `request_malformed` for anywhere else
 */
export function safeReturnTo(
  { publicUrl, h5Url }: Pick<Config, "publicUrl" | "h5Url">,
  given = "/",
): string {
  const nowhere = "http://nowhere.invalid";
  const url = given.length <= RETURN_TO_LENGTH_MAX && URL.canParse(given, nowhere)
    ? new URL(given, nowhere)
    : undefined;
  const isKnown = [publicUrl, h5Url].some((known) =>
    known && new URL(known).origin === url?.origin
  );
  // A blob's address has the origin of whoever made it.
  if (url && isKnown && /^https?:$/.test(url.protocol)) return url.href;
  // What the parser made of it, not what was sent: browsers skip tabs and turn backslashes, and
  // a path that begins with two slashes is a host.
  if (url?.origin === nowhere && given.startsWith("/") && !url.pathname.startsWith("//")) {
    return `${url.pathname}${url.search}${url.hash}`;
  }
  throw new DomainError("request_malformed", { message: "returnTo 不正确" });
}
