import { parse as parseCookies } from "hono/utils/cookie";
import { DomainError } from "../../db/domain/errors.ts";
import { openWechatSession } from "../../db/domain/wechat/session.ts";
import type { Call } from "../spec.ts";

/** The session of a WeChat user, under the name deployed H5 pages know. */
export const WECHAT_COOKIE = "chaoqer_wx_code";

/** Whose WeChat login the cookie carries: sealed by us, so checked without I/O as well. */
export function wechatOpenIdOf({ headers, ctx }: Call): string {
  const cookie = parseCookies(headers.get("cookie") ?? "", WECHAT_COOKIE)[WECHAT_COOKIE];
  const openId = openWechatSession(ctx, cookie);
  if (openId === undefined) throw new DomainError("wechat_login_needed");
  return openId;
}
