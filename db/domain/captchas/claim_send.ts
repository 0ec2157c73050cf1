import { eq, type SQL, sql } from "drizzle-orm";
import type { Ctx } from "../../client/ctx.ts";
import { captchaAudit } from "../../schema/captchas.ts";
import {
  bool,
  instant,
  int8,
  joined,
  maybe,
  milliseconds,
  type Part,
  rows,
  typed,
} from "../../sql.ts";
import { DomainError } from "../errors.ts";
import { type Caller, homeOf, knownParts } from "../sessions/known_caller.ts";
import { forgetTries } from "../sessions/tries.ts";
import { codeSubject, holderOf } from "./guess.ts";
import {
  type CaptchaPurpose,
  DAY_MS,
  HOUR_MS,
  KNOWN_SEND_LIMITS,
  minuteOf,
  type Mobile,
  refusalOf,
  SEND_LIMITS,
  type SendLimits,
} from "./rules.ts";

export interface AskedSend extends Caller {
  purpose: CaptchaPurpose;
  mobile: Mobile;
}

/** A send that was counted. */
export interface ClaimedSend {
  auditId: number;
  at: Date;
}

const columns = {
  id: maybe(int8),
  isFull: bool,
  isOwners: bool,
  minutes: typed<Record<string, number> | null>(),
  sentAtMs: typed<string[] | null>(),
  knownSentAtMs: typed<string[] | null>(),
};

/**
 * Counts a send and writes it down. One statement decides and records: of many callers at once, the
 * limits let only theirs pass.
 * @throws {DomainError} `captcha_too_soon`, `captcha_spent`, `captcha_unavailable`
 */
export async function claimSend(ctx: Ctx, input: AskedSend): Promise<ClaimedSend> {
  const at = ctx.now();
  const [claimed] = await rows(ctx, sendStatement(ctx, input, at), columns);
  const { id, isFull, isOwners, minutes, sentAtMs, knownSentAtMs } = claimed!;
  if (id !== undefined) return { auditId: id, at };
  if (isFull) throw await whyFull(ctx);
  const minute = minuteOf(input.purpose);
  const sends = isOwners
    ? { minuteAtMs: minutes?.[knownMinute(minute)], sentAtMs: (knownSentAtMs ?? []).map(Number) }
    : { minuteAtMs: minutes?.[minute], sentAtMs: (sentAtMs ?? []).map(Number) };
  throw refusalOf(sends, isOwners ? KNOWN_SEND_LIMITS : SEND_LIMITS, at.getTime()) ??
    // Refused by a send so recent that this statement's snapshot does not show it.
    new DomainError("captcha_too_soon", {
      retryAfterSeconds: Math.ceil(SEND_LIMITS.minuteMs / 1000),
    });
}

/** Takes back a send that has not reached the carrier. */
export async function returnSend(
  ctx: Ctx,
  { countryCode, number }: Mobile,
  { auditId, at }: ClaimedSend,
): Promise<void> {
  const failed = ctx.db.$with("failed").as(
    ctx.db.update(captchaAudit).set({ failedAt: ctx.now() }).where(eq(captchaAudit.id, auditId))
      .returning({ id: captchaAudit.id }),
  );
  const returned = ctx.db.$with("returned", {}).as(sql`
    update captcha_sends set
      sent_at = array_remove(sent_at, ${instant(at)}),
      known_sent_at = array_remove(known_sent_at, ${instant(at)}),
      minutes = minutes - array(
        select key from jsonb_each_text(minutes) where value = ${String(at.getTime())})
    where country_code = ${countryCode} and mobile = ${number}`);
  await ctx.db.with(returned, failed).select({ id: failed.id }).from(failed);
}

/** The minute of what only the owner's devices and networks ask. */
const knownMinute = (minute: string) => `known:${minute}`;

function sendStatement(ctx: Ctx, input: AskedSend, at: Date): SQL {
  const { purpose, mobile } = input;
  const { countryCode, number } = mobile;
  const now = instant(at);
  const parts: Part[] = [
    ...knownParts(input, holderOf(mobile), at),
    [
      "recent",
      sql`select from captcha_audit where captcha_audit.at > ${before(at, HOUR_MS)}
      and failed_at is null limit ${ctx.config.smsPerHour}::int`,
    ],
    [
      "caller",
      sql`select by_device or by_network as is_owners, by_session,
      not (by_device or by_network or by_session)
        and (select count(*) from recent) >= ${ctx.config.smsPerHour}::int as is_full
      from known`,
    ],
    ["claimed", claim(input, at)],
    [
      "audited",
      sql`insert into captcha_audit (purpose, country_code, mobile, address, request_id, at)
      select ${purpose}, ${countryCode}, ${number}, ${input.address}, ${ctx.requestId}, ${now}
      from claimed returning id`,
    ],
    ["forgotten", forgetTries(codeSubject(purpose, mobile), "claimed")],
  ];
  const list = (column: SQL) =>
    sql`array(select ${milliseconds(sql`sent.at`)}::text
      from unnest(${column}) with ordinality as sent(at, place) order by place)`;
  return sql`with ${joined(parts)}
    select (select id from audited) as id, caller.is_full, caller.is_owners, kept.minutes,
      ${list(sql`kept.sent_at`)} as sent_at_ms, ${list(sql`kept.known_sent_at`)} as known_sent_at_ms
    from caller left join captcha_sends as kept
      on kept.country_code = ${countryCode} and kept.mobile = ${number}`;
}

/** Counts the send among everybody's, or, when those are spent, among the owner's. */
function claim({ purpose, mobile, ...caller }: AskedSend, at: Date): SQL {
  const minute = minuteOf(purpose);
  const now = instant(at);
  const isOpen = isWithin(SEND_LIMITS, { minute, sentAt: sql`kept.sent_at` }, at);
  // A session is not enough unless strangers have asked: its owner may have spent the day alone.
  const isKept = sql`(select is_owners or by_session and kept.stranger_at > ${before(at, DAY_MS)}
      from caller)
    and ${
    isWithin(KNOWN_SEND_LIMITS, {
      minute: knownMinute(minute),
      sentAt: sql`kept.known_sent_at`,
    }, at)
  }`;
  const counted = (limits: SendLimits) => sql.raw(`[1:${limits.longer.at(-1)!.count}]`);
  const ms = at.getTime();
  return sql`
    insert into captcha_sends as kept
      (country_code, mobile, sent_at, minutes, asked_from, stranger_at)
    select ${mobile.countryCode}, ${mobile.number}, array[${now}],
      jsonb_build_object(${minute}::text, ${ms}::bigint) || case when is_owners or by_session
        then jsonb_build_object(${knownMinute(minute)}::text, ${ms}::bigint) else '{}' end,
      jsonb_build_object(${purpose}::text, ${homeOf(caller)}::text),
      case when not (is_owners or by_session) then ${now} end
    from caller where not is_full
    on conflict (country_code, mobile) do update set
      sent_at = case when ${isOpen} then (excluded.sent_at || kept.sent_at)${
    counted(SEND_LIMITS)
  } else kept.sent_at end,
      known_sent_at = case when ${isOpen} then kept.known_sent_at
        else (excluded.sent_at || kept.known_sent_at)${counted(KNOWN_SEND_LIMITS)} end,
      minutes = kept.minutes || case when ${isOpen} then excluded.minutes
        else excluded.minutes - ${minute}::text end,
      asked_from = kept.asked_from || excluded.asked_from,
      stranger_at = coalesce(excluded.stranger_at, kept.stranger_at)
    where ${isOpen} or ${isKept}
    returning true`;
}

function isWithin(
  { minuteMs, longer }: SendLimits,
  { minute, sentAt }: { minute: string; sentAt: SQL },
  at: Date,
): SQL {
  const limits = longer.map(({ count, withinMs }) =>
    sql`coalesce(${sentAt}[${sql.raw(String(count))}] <= ${before(at, withinMs)}, true)`
  );
  return sql`(coalesce((kept.minutes ->> ${minute}::text)::bigint <= ${
    at.getTime() - minuteMs
  }::bigint, true) and ${sql.join(limits, sql` and `)})`;
}

/** Everybody's messages of this hour are spent: somebody asks for them all, or Plaza has grown. */
async function whyFull({ redis, config }: Ctx): Promise<DomainError> {
  const isFirst = await redis.set("captcha_alarm", "1", { nx: true, px: HOUR_MS });
  return new DomainError("captcha_unavailable", {
    alarm: isFirst
      ? `${config.smsPerHour} codes were sent within an hour (SMS_PER_HOUR): strangers get none`
      : undefined,
  });
}

function before(at: Date, ms: number): SQL {
  return instant(new Date(at.getTime() - ms));
}
