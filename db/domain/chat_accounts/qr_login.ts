import { randomHex32 } from "../../../config/keys.ts";
import type { Ctx } from "../../client/ctx.ts";
import { SessionKind } from "../../schema/sessions.ts";
import { DomainError } from "../errors.ts";
import type { ClientApp } from "../sessions/open_session.ts";
import { type ChatLogin, readChatPerson } from "./account.ts";
import { openSessionFor } from "./log_in.ts";

/** How long a code is shown, a scan waits for its owner, and a grant for the desktop, ms. */
const CODE_MS = 60 * 1000;
const SCANNED_MS = 10 * 60 * 1000;
const GRANTED_MS = 5 * 60 * 1000;

export type QrLoginState =
  | { status: "waitScan" | "expired" }
  | { status: "scanned"; uid: string }
  | { status: "authed"; uid: string; authCode: string };

const stateKey = (uuid: string) => `qr_login:state:${uuid}`;
const codeKey = (code: string) => `qr_login:code:${code}`;
const scanKey = (authCode: string) => `qr_login:scan:${authCode}`;
const grantKey = (authCode: string) => `qr_login:grant:${authCode}`;

/**
 * Begins a login on a desktop that shows `qrcode`. Only the desktop knows `uuid`: whoever sees the
 * code can scan it, but not pick up the login.
 */
export async function startQrLogin(ctx: Ctx): Promise<{ uuid: string; qrcode: string }> {
  const [uuid, code] = [randomHex32(), randomHex32()];
  await ctx.redis.multi()
    .set(codeKey(code), uuid, { px: CODE_MS })
    .set(stateKey(uuid), JSON.stringify({ status: "waitScan" }), { px: CODE_MS })
    .exec();
  return { uuid, qrcode: `${ctx.config.publicUrl ?? ""}/qrcode/${code}` };
}

/** @throws {DomainError} `qrcode_invalid` for a code that is unknown, expired or scanned before */
export async function scanQrLogin(
  ctx: Ctx,
  { code, userId }: { code: string; userId: number },
): Promise<{ auth_code: string; pub_key: string }> {
  const uuid = await ctx.redis.getdel<string>(codeKey(code));
  if (uuid === null) throw new DomainError("qrcode_invalid");
  const { uid } = await readChatPerson(ctx, userId);
  const authCode = randomHex32();
  await ctx.redis.multi()
    .set(scanKey(authCode), JSON.stringify({ uuid, userId, uid }), { px: SCANNED_MS })
    .set(stateKey(uuid), JSON.stringify({ status: "scanned", uid }), { px: SCANNED_MS })
    .exec();
  return { auth_code: authCode, pub_key: "" };
}

/** @throws {DomainError} `auth_code_invalid`, also when somebody else scanned */
export async function grantQrLogin(
  ctx: Ctx,
  { authCode, userId }: { authCode: string; userId: number },
): Promise<void> {
  const kept = await ctx.redis.get<string>(scanKey(authCode));
  const scan: { uuid: string; userId: number; uid: string } | null = kept && JSON.parse(kept);
  if (scan?.userId !== userId) throw new DomainError("auth_code_invalid");
  const state = { status: "authed", uid: scan.uid, authCode };
  await ctx.redis.multi()
    .del(scanKey(authCode))
    .set(grantKey(authCode), String(userId), { px: GRANTED_MS })
    .set(stateKey(scan.uuid), JSON.stringify(state), { px: GRANTED_MS })
    .exec();
}

/** What the desktop asks again and again; `authCode` is there once it may be used. */
export async function readQrLogin(ctx: Ctx, { uuid }: { uuid: string }): Promise<QrLoginState> {
  const kept = await ctx.redis.get<string>(stateKey(uuid));
  return kept === null ? { status: "expired" } : JSON.parse(kept);
}

/**
 * @throws {DomainError} `auth_code_invalid` for a used code too; `account_frozen`,
 *   `account_missing`
 */
export async function finishQrLogin(
  ctx: Ctx,
  { authCode, client }: { authCode: string; client: ClientApp },
): Promise<ChatLogin> {
  const kept = await ctx.redis.getdel<string>(grantKey(authCode));
  if (kept === null) throw new DomainError("auth_code_invalid");
  const userId = Number(kept);
  const session = await openSessionFor(ctx, { userId, kind: SessionKind.web, client });
  return { session, person: await readChatPerson(ctx, userId) };
}
