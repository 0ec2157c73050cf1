import { and, eq, sql } from "drizzle-orm";
import { randomInt } from "node:crypto";
import { hmacHex } from "../../../config/keys.ts";
import type { Ctx } from "../../client/ctx.ts";
import { captchaAudit, captchaSends } from "../../schema/captchas.ts";
import { instant, int8, maybe, milliseconds, rows, typed } from "../../sql.ts";
import { DomainError } from "../errors.ts";
import {
  CAPTCHA_LIFE_MS,
  CAPTCHA_SEND_LIMITS,
  type CaptchaPurpose,
  codeOf,
  type Mobile,
  refuseTooMany,
} from "./rules.ts";

export interface SendCaptchaInput {
  purpose: CaptchaPurpose;
  mobile: Mobile;
  address: string;
  /** Hands the code to the carrier; `to` is country code and number, digits only. */
  deliver(message: { to: string; code: string }): Promise<void>;
}

const SENDS_KEPT_COUNT = CAPTCHA_SEND_LIMITS.at(-1)!.count;

/**
 * Sends a fresh code to a number. The one before is void from then on. Nothing here looks at
 * whether the number has an account, so neither answer nor time can tell.
 * @throws {DomainError} `captcha_too_soon`, `captcha_spent`, `sms_failed` (nothing was sent and the
 *   send does not count)
 */
export async function sendCaptcha(ctx: Ctx, input: SendCaptchaInput): Promise<void> {
  const { purpose, mobile, deliver } = input;
  const auditId = await claimSend(ctx, input);
  const code = codeOf(randomInt(1_000_000));
  try {
    await keepCode(ctx, purpose, mobile, code);
    await deliver({ to: mobile.countryCode + mobile.number, code });
  } catch (cause) {
    await returnSend(ctx, input, auditId);
    throw new DomainError("sms_failed", { cause });
  }
}

export function captchaKeys(ctx: Ctx, purpose: CaptchaPurpose, { countryCode, number }: Mobile) {
  const name = `captcha:${purpose}:${countryCode}:${number}`;
  return {
    code: name,
    tries: `${name}:tries`,
    /** The field of the code's hash: the code itself is never in Redis. */
    fieldOf: (code: string) => hmacHex(ctx.config.keys.captcha, `${name}:${code}`),
  };
}

/** One statement decides and records: of many callers at once, the limits let only theirs pass. */
async function claimSend(ctx: Ctx, { purpose, mobile, address }: SendCaptchaInput) {
  const now = ctx.now();
  const { countryCode, number } = mobile;
  const limit = sql.join(
    CAPTCHA_SEND_LIMITS.map(({ count, withinMs }) => {
      const earliest = instant(new Date(now.getTime() - withinMs));
      return sql`coalesce(captcha_sends.sent_at[${sql.raw(String(count))}] <= ${earliest}, true)`;
    }),
    sql` and `,
  );
  const statement = sql`
    with claimed as (
      insert into captcha_sends (purpose, country_code, mobile, sent_at)
      values (${purpose}, ${countryCode}, ${number}, array[${instant(now)}])
      on conflict (purpose, country_code, mobile) do update
        set sent_at = (excluded.sent_at || captcha_sends.sent_at)[1:${
    sql.raw(String(SENDS_KEPT_COUNT))
  }]
        where ${limit}
      returning purpose
    ), audited as (
      insert into captcha_audit (purpose, country_code, mobile, address, request_id, at)
      select ${purpose}, ${countryCode}, ${number}, ${address}, ${ctx.requestId}, ${instant(now)}
      from claimed
      returning id
    )
    select (select id from audited) as id,
      (select array(select ${milliseconds(sql`at`)}::text
        from unnest(sent_at) with ordinality as sends(at, place) order by place)
       from captcha_sends where purpose = ${purpose} and country_code = ${countryCode}
         and mobile = ${number}) as sent_at_ms`;
  const columns = { id: maybe(int8), sentAtMs: typed<string[] | null>() };
  const [claimed] = await rows(ctx, statement, columns);
  if (claimed!.id !== undefined) return claimed!.id;
  refuseTooMany((claimed!.sentAtMs ?? []).map(Number), now.getTime());
  // Refused by a send so recent that this statement's snapshot does not show it.
  throw new DomainError("captcha_too_soon");
}

async function returnSend(ctx: Ctx, { purpose, mobile }: SendCaptchaInput, auditId: number) {
  const failed = ctx.db.$with("failed").as(
    ctx.db.update(captchaAudit).set({ failedAt: ctx.now() }).where(eq(captchaAudit.id, auditId))
      .returning({ id: captchaAudit.id }),
  );
  await ctx.db.with(failed).update(captchaSends).set({ sentAt: sql`${captchaSends.sentAt}[2:]` })
    .where(
      and(
        eq(captchaSends.purpose, purpose),
        eq(captchaSends.countryCode, mobile.countryCode),
        eq(captchaSends.mobile, mobile.number),
      ),
    );
}

async function keepCode(ctx: Ctx, purpose: CaptchaPurpose, mobile: Mobile, code: string) {
  const keys = captchaKeys(ctx, purpose, mobile);
  await ctx.redis.multi()
    .del(keys.code, keys.tries)
    .hset(keys.code, { [keys.fieldOf(code)]: "1" })
    .pexpire(keys.code, CAPTCHA_LIFE_MS)
    .exec();
}
