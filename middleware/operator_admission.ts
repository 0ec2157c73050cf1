import { sha256Hex } from "../config/keys.ts";
import type { Ctx } from "../db/client/ctx.ts";
import { DomainError } from "../db/domain/errors.ts";
import type { OperatorActor, OpsActor } from "../db/domain/operators/actor.ts";
import {
  keyBehind,
  operatorBehind,
  readKeyStanding,
  readStanding,
} from "../db/domain/operators/admit.ts";
import { noteKeyUse } from "../db/domain/operators/key_use.ts";
import { can, type Permission } from "../db/domain/operators/permissions.ts";
import { keyStandingInCache, standingInCache } from "../db/domain/operators/standing_cache.ts";
import { verifyOperatorToken } from "../db/domain/operators/tokens.ts";
import { admitReading } from "./admission.ts";
import { readBasic, readBearer } from "./authorization.ts";
import type { Counter } from "./rate_limit.ts";

export interface OperatorCall {
  ctx: Ctx;
  headers: Headers;
  counters(caller: string): Counter[];
}

export interface OperatorGuards {
  /** What the caller must be allowed to do; null: to be an operator is enough. */
  needs: Permission | null;
  /** Whether a payout script's key is as good as an operator's token. */
  keys: boolean;
}

/** Who somebody says they are, and how to find out whether they are. */
interface Claim<Standing, Actor extends OpsActor> {
  caller: string;
  cache: {
    keys: string[];
    parse(values: (string | null)[]): Standing | "ended" | undefined;
    remember(redis: Ctx["redis"], standing: Standing): Promise<void>;
  };
  read(): Promise<Standing | undefined>;
  actorBehind(standing: Standing | undefined): Actor;
  /** What is to be done once they are let in; nobody waits for it. */
  noteUse?(): void;
}

/**
 * Lets an operator in by the token's signature (no I/O), then by what became of token and operator
 * since: one Redis trip together with the rates, Postgres where Redis does not know or is away.
 *
 * @throws {DomainError} `session_invalid`, `rate_exceeded`, `operator_no_right`
 */
export async function admitOperator(
  call: OperatorCall,
  guards: OperatorGuards & { keys: false },
): Promise<OperatorActor>;
export async function admitOperator(call: OperatorCall, guards: OperatorGuards): Promise<OpsActor>;
export async function admitOperator(call: OperatorCall, guards: OperatorGuards): Promise<OpsActor> {
  const actor = await askForActor(call, guards);
  if (actor.kind === "operator" && guards.needs !== null && !can(actor.role, guards.needs)) {
    throw new DomainError("operator_no_right");
  }
  return actor;
}

async function askForActor(call: OperatorCall, guards: OperatorGuards): Promise<OpsActor> {
  const token = readBearer(call.headers);
  if (token !== undefined) return await admitClaim(call, await tokenClaim(call.ctx, token));
  const basic = guards.keys ? readBasic(call.headers) : undefined;
  if (basic) return await admitClaim(call, keyClaim(call.ctx, basic));
  throw new DomainError("session_invalid");
}

async function tokenClaim(ctx: Ctx, token: string) {
  const claims = await verifyOperatorToken(ctx, token);
  return {
    caller: `operator:${claims.operatorId}`,
    cache: standingInCache(claims),
    read: () => readStanding(ctx, claims),
    actorBehind: (standing) => operatorBehind(claims, standing),
  } satisfies Claim<Awaited<ReturnType<typeof readStanding>> & object, OperatorActor>;
}

function keyClaim(ctx: Ctx, { user: keyId, password: secret }: { user: string; password: string }) {
  if (![keyId, secret].every((part) => /^[a-f0-9]{32}$/.test(part))) {
    throw new DomainError("session_invalid");
  }
  return {
    // With the secret: whoever does not know it counts for themselves.
    caller: `key:${sha256Hex(`${keyId}:${secret}`)}`,
    cache: keyStandingInCache(keyId),
    read: () => readKeyStanding(ctx, keyId),
    actorBehind: (standing) => keyBehind(ctx, { keyId, secret }, standing),
    noteUse: () => noteKeyUse(ctx, keyId),
  } satisfies Claim<Awaited<ReturnType<typeof readKeyStanding>> & object, OpsActor>;
}

async function admitClaim<Standing, Actor extends OpsActor>(
  { ctx, counters }: OperatorCall,
  { caller, cache, read, actorBehind, noteUse }: Claim<Standing, Actor>,
): Promise<Actor> {
  const { values } = await admitReading(ctx, { counters: counters(caller), readKeys: cache.keys });
  let standing = values && cache.parse(values);
  if (standing === undefined) {
    standing = await read();
    if (values && standing !== undefined) {
      await cache.remember(ctx.redis, standing).catch(() => {});
    }
  }
  const actor = actorBehind(standing === "ended" ? undefined : standing);
  noteUse?.();
  return actor;
}
