import { seal, unseal } from "../../../config/runtime/sealed.ts";
import type { Ctx } from "../../client/ctx.ts";

export const WECHAT_SESSION_LIFE_MS = 30 * 24 * 60 * 60 * 1000;
export const WECHAT_LOGIN_LIFE_MS = 10 * 60 * 1000;

type Keyed = Pick<Ctx, "config" | "now">;

/** A login under way: bound to the browser that began it by a cookie with this, sealed. */
export interface WechatLogin {
  state: string;
  returnTo: string;
}

/** The session of a WeChat user as the cookie carries it; nothing of it is stored. */
export function sealWechatSession(ctx: Keyed, openId: string): string {
  return sealUntil(ctx, { openId }, WECHAT_SESSION_LIFE_MS, "wechat.session");
}

/** Whose session a cookie carries; undefined when it is none of ours or has run out. */
export function openWechatSession(ctx: Keyed, sealed: string | undefined): string | undefined {
  return openUnexpired<{ openId: string }>(ctx, sealed, "wechat.session")?.openId;
}

export function sealWechatLogin(ctx: Keyed, login: WechatLogin): string {
  return sealUntil(ctx, login, WECHAT_LOGIN_LIFE_MS, "wechat.login");
}

export function openWechatLogin(ctx: Keyed, sealed: string | undefined): WechatLogin | undefined {
  return openUnexpired<WechatLogin>(ctx, sealed, "wechat.login");
}

function sealUntil({ config, now }: Keyed, value: object, lifeMs: number, use: string): string {
  const expiresAtMs = now().getTime() + lifeMs;
  return seal(config.keys, JSON.stringify({ ...value, expiresAtMs }), use);
}

/** The use is authenticated with it: a sealed login is no session. */
function openUnexpired<T>({ config, now }: Keyed, sealed: string | undefined, use: string) {
  if (!sealed) return undefined;
  try {
    const value: T & { expiresAtMs: number } = JSON.parse(unseal(config.keys, sealed, use));
    return value.expiresAtMs > now().getTime() ? value : undefined;
  } catch {
    return undefined;
  }
}
