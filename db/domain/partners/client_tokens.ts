import { and, eq, isNull, type SQL, sql } from "drizzle-orm";
import { hmacHex, type Keys } from "../../../config/keys.ts";
import type { Ctx } from "../../client/ctx.ts";
import { SessionKind, sessions } from "../../schema/sessions.ts";
import { instant, int8, maybe, type Row, text } from "../../sql.ts";
import { hashToken } from "../sessions/access_secret.ts";
import { endSessions } from "../sessions/session_cache.ts";

/** As the index `sessions_single` has it: a parameter would not do. */
const WEB = sql.raw(String(SessionKind.web));

export const TOKEN_RACE_COUNT_MAX = 5;
/** Partners' clients keep their tokens for good (docs/contracts/partner.md#tokens). */
const NEVER = new Date(Date.UTC(9999, 0, 1));

/**
 * What a query says of a person's session, left joined by {@link livePartnerSession}. The number is
 * drawn beforehand, since a token is made of it and kept in the same row.
 */
export const selectedSession = sql`sessions.id as session_id, sessions.token_hash,
  case when sessions.id is null
    then nextval(pg_get_serial_sequence('sessions', 'id')) end as drawn_session_id`;

export const sessionColumns = {
  sessionId: maybe(int8),
  tokenHash: maybe(text),
  /** Undefined while there is a live one. */
  drawnSessionId: maybe(int8),
};

/** A person's one live partner session, to be joined by `sessions.user_id = …`. */
export const livePartnerSession =
  sql`sessions.kind = ${SessionKind.partner} and sessions.revoked_at is null`;

/**
 * The tokens a session's number stands for, under the newest server key and, during a rotation, the
 * one before. So the same is granted again, and nothing is kept but its hash. 64 hex digits: the
 * socket has room for 127 bytes.
 */
function tokensOf(keys: Keys, sessionId: number): string[] {
  return keys.partnerToken.map((key) => hmacHex(key, `session ${sessionId}`));
}

export function newToken(ctx: Ctx, sessionId: number): { token: string; tokenHash: string } {
  const token = tokensOf(ctx.config.keys, sessionId)[0]!;
  return { token, tokenHash: hashToken(token) };
}

/**
 * Opens a person's session, as a CTE `opened` of the ids there are then: none when somebody else
 * has opened one meanwhile. `source` has one row with `user_id`, or none.
 */
export function openedSession(
  at: Date,
  { sessionId, tokenHash, source }: { sessionId: number; tokenHash: string; source: SQL },
): SQL {
  return sql`opened as (
      insert into sessions (id, token_hash, user_id, kind, created_at, expires_at)
      overriding system value
      select ${sessionId}::bigint, ${tokenHash}, user_id, ${SessionKind.partner}::smallint,
        ${instant(at)}, ${instant(NEVER)}
      from ${source}
      on conflict (user_id, kind) where revoked_at is null and kind <> ${WEB} do nothing
      returning id
    )`;
}

/**
 * An app that is not disabled, locked: whoever disables it waits, and ends what was opened. As a
 * CTE `app` with its id.
 */
export function liveApp(appId: number): SQL {
  return sql`app as (
      select id from apps where id = ${appId} and disabled_at is null for share
    )`;
}

/**
 * The token of somebody a query with {@link selectedSession} has found: that of their session, or of
 * one that is opened now.
 * @returns undefined when things have changed meanwhile: ask again
 */
export async function tokenBehind(
  ctx: Ctx,
  { appId, userId, found }: { appId: number; userId: number; found: Row<typeof sessionColumns> },
): Promise<string | undefined> {
  if (found.sessionId !== undefined) {
    const token = tokensOf(ctx.config.keys, found.sessionId)
      .find((token) => hashToken(token) === found.tokenHash);
    // Made under a server key that is no more: nobody can be told it again.
    if (token === undefined) await endClientSession(ctx, userId);
    return token;
  }
  const sessionId = found.drawnSessionId!;
  const { token, tokenHash } = newToken(ctx, sessionId);
  const source = sql`(select ${userId}::bigint as user_id from app) as person`;
  const { rows } = await ctx.db.execute(sql`
    with ${liveApp(appId)}, ${openedSession(ctx.now(), { sessionId, tokenHash, source })}
    select id from opened`);
  return rows.length > 0 ? token : undefined;
}

/** Ends somebody's partner session and its sockets, everywhere at once. */
export async function endClientSession(ctx: Ctx, userId: number): Promise<void> {
  const ended = await ctx.db.update(sessions).set({ revokedAt: ctx.now() })
    .where(and(
      eq(sessions.userId, userId),
      eq(sessions.kind, SessionKind.partner),
      isNull(sessions.revokedAt),
    )).returning({ tokenHash: sessions.tokenHash });
  await endSessions(ctx, ended.map(({ tokenHash }) => tokenHash));
}
