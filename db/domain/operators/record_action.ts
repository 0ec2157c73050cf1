import type { Ctx } from "../../client/ctx.ts";
import { operatorActions } from "../../schema/operators.ts";
import type { OpsActor } from "./actor.ts";

export interface Action {
  actor: OpsActor;
  /** `withdrawals.confirm`: the surface's word for it. */
  action: string;
  target: string;
  /** What changed, as it was and as it is; null: it was not there, or is no more. No secrets. */
  before: Record<string, unknown> | null;
  after: Record<string, unknown> | null;
}

/** Writes down who did what. In the change's own transaction: neither is there without the other. */
export async function recordAction(tx: Ctx, action: Action): Promise<void> {
  await recordActions(tx, [action]);
}

/** {@link recordAction} of several things done in one transaction, in one statement. */
export async function recordActions(tx: Ctx, actions: Action[]): Promise<void> {
  if (actions.length === 0) return;
  await tx.db.insert(operatorActions).values(actions.map(({ actor, ...action }) => ({
    ...action,
    at: tx.now(),
    operatorId: actor.kind === "operator" ? actor.operatorId : null,
    opsKeyId: actor.kind === "key" ? actor.keyId : null,
    requestId: tx.requestId,
  })));
}
