import { type SQL, sql } from "drizzle-orm";
import { listOf } from "../../sql.ts";
import { DomainError } from "../errors.ts";
import type { OpsActor } from "../operators/actor.ts";

/** Groups a call is about; null: all of them. */
export type Scope = number[] | null;

/**
 * The groups a caller may speak for, narrowed to the one they named: a key that is limited to
 * groups never reaches another, whatever its call says.
 * @throws {DomainError} `operator_no_right`
 */
export function scopeOf(actor: OpsActor, groupId: number | undefined): Scope {
  const allowed = actor.kind === "key" ? actor.groupIds : null;
  if (groupId === undefined) return allowed;
  if (allowed !== null && !allowed.includes(groupId)) throw new DomainError("operator_no_right");
  return [groupId];
}

export function isWithin(scope: Scope, groupId: SQL): SQL {
  return scope === null ? sql`true` : sql`${groupId} = any(${listOf(scope, "bigint")})`;
}
