import { randomHex32 } from "../../../config/keys.ts";
import type { Ctx } from "../../client/ctx.ts";
import { SessionKind } from "../../schema/sessions.ts";
import { DomainError } from "../errors.ts";
import type { ClientApp, Device } from "../sessions/open_session.ts";
import { type ChatLogin, readChatPerson } from "./account.ts";
import { openSessionFor } from "./log_in.ts";

/** How long a code is shown, a scan waits for its owner, and a grant for the desktop, ms. */
const CODE_MS = 60 * 1000;
const SCANNED_MS = 10 * 60 * 1000;
const GRANTED_MS = 5 * 60 * 1000;
/** How long an unchanged state is held back, and how often it is looked at unheard, ms. */
const HOLD_MS = 10 * 1000;
const LOOK_MS = 2 * 1000;

export type QrLoginState =
  | { status: "waitScan" | "expired" }
  | { status: "scanned"; uid: string }
  | { status: "authed"; uid: string; authCode: string };

const stateKey = (uuid: string) => `qr_login:state:${uuid}`;
/** There while the desktop has not been told of the scan. */
const newsKey = (uuid: string) => `qr_login:news:${uuid}`;
const codeKey = (code: string) => `qr_login:code:${code}`;
const scanKey = (authCode: string) => `qr_login:scan:${authCode}`;
const grantKey = (authCode: string) => `qr_login:grant:${authCode}`;

/** What is kept of the desktop that asked, from its code to its session. */
interface Desktop {
  uuid: string;
  device: Device | undefined;
}

/**
 * Begins a login on a desktop that shows `code`. Only the desktop knows `uuid`: whoever sees the
 * code can scan it, but not pick up the login. The session will be of `device`.
 */
export async function startQrLogin(
  ctx: Ctx,
  { device }: { device?: Device | undefined } = {},
): Promise<{ uuid: string; code: string }> {
  const [uuid, code] = [randomHex32(), randomHex32()];
  const desktop: Desktop = { uuid, device };
  await ctx.redis.multi()
    .set(codeKey(code), JSON.stringify(desktop), { px: CODE_MS })
    .set(stateKey(uuid), JSON.stringify({ status: "waitScan" }), { px: CODE_MS })
    .exec();
  return { uuid, code };
}

/** @throws {DomainError} `qrcode_invalid` for a code that is unknown, expired or scanned before */
export async function scanQrLogin(
  ctx: Ctx,
  { code, userId }: { code: string; userId: number },
): Promise<{ auth_code: string; pub_key: string }> {
  const kept = await ctx.redis.getdel<string>(codeKey(code));
  if (kept === null) throw new DomainError("qrcode_invalid");
  const desktop: Desktop = JSON.parse(kept);
  const { uuid } = desktop;
  const { uid } = await readChatPerson(ctx, userId);
  const authCode = randomHex32();
  await ctx.redis.multi()
    .set(scanKey(authCode), JSON.stringify({ desktop, userId, uid }), { px: SCANNED_MS })
    .set(stateKey(uuid), JSON.stringify({ status: "scanned", uid }), { px: SCANNED_MS })
    .set(newsKey(uuid), "1", { px: SCANNED_MS })
    .exec();
  ctx.bus.publish({ kind: "qr_login", uuid });
  return { auth_code: authCode, pub_key: "" };
}

/** @throws {DomainError} `auth_code_invalid`, also when somebody else scanned */
export async function grantQrLogin(
  ctx: Ctx,
  { authCode, userId }: { authCode: string; userId: number },
): Promise<void> {
  const kept = await ctx.redis.get<string>(scanKey(authCode));
  const scan: { desktop: Desktop; userId: number; uid: string } | null = kept && JSON.parse(kept);
  if (scan?.userId !== userId) throw new DomainError("auth_code_invalid");
  const { uid, desktop: { uuid, device } } = scan;
  const state = { status: "authed", uid, authCode };
  await ctx.redis.multi()
    .del(scanKey(authCode))
    .set(grantKey(authCode), JSON.stringify({ userId, device }), { px: GRANTED_MS })
    .set(stateKey(uuid), JSON.stringify(state), { px: GRANTED_MS })
    .exec();
  ctx.bus.publish({ kind: "qr_login", uuid });
}

/**
 * What the desktop asks again and again; `authCode` is there once it may be used. Answered when
 * there is something it has not been told, or after ten seconds, or when `ended` says so: clients
 * ask again at once. Waiting takes nothing but a look at Redis now and then.
 */
export async function awaitQrLogin(
  ctx: Ctx,
  { uuid, ended }: { uuid: string; ended: AbortSignal },
): Promise<QrLoginState> {
  const first = await look(ctx, uuid);
  if (first.isNews || ended.aborted) return first.state;
  const endsAtMs = performance.now() + HOLD_MS;
  const hints = new Hints(ctx.bus, uuid);
  ended.addEventListener("abort", hints.wake, { once: true });
  try {
    for (;;) {
      // Looked at again first: it may have changed before anybody listened.
      const { state, isNews } = await look(ctx, uuid);
      const leftMs = endsAtMs - performance.now();
      if (isNews || leftMs <= 0 || ended.aborted) return state;
      await hints.next(Math.min(leftMs, LOOK_MS));
    }
  } finally {
    ended.removeEventListener("abort", hints.wake);
    hints.stop();
  }
}

/** One trip. A grant and an end are always worth an answer: nothing comes after them. */
async function look(ctx: Ctx, uuid: string): Promise<{ state: QrLoginState; isNews: boolean }> {
  const [kept, news] = await ctx.redis.pipeline().get(stateKey(uuid)).getdel(newsKey(uuid))
    .exec<[string | null, string | null]>();
  const state: QrLoginState = kept === null ? { status: "expired" } : JSON.parse(kept);
  const isLast = state.status === "authed" || state.status === "expired";
  return { state, isNews: isLast || news !== null };
}

/** Whether a login may have changed, as the bus says; also what was said while nobody waited. */
class Hints {
  #changed = Promise.withResolvers<void>();
  readonly stop: () => void;

  constructor(bus: Ctx["bus"], uuid: string) {
    this.stop = bus.subscribe((event) => {
      const isMeant = event.kind === "qr_login" && event.uuid === uuid;
      if (isMeant || event.kind === "resubscribed") this.wake();
    });
  }

  wake = () => this.#changed.resolve();

  async next(waitMs: number): Promise<void> {
    const timer = setTimeout(this.wake, waitMs);
    await this.#changed.promise;
    clearTimeout(timer);
    this.#changed = Promise.withResolvers();
  }
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
  const { userId, device }: { userId: number; device?: Device } = JSON.parse(kept);
  const session = await openSessionFor(ctx, { userId, kind: SessionKind.web, client, device });
  return { session, person: await readChatPerson(ctx, userId) };
}
