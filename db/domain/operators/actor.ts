import type { OperatorRole } from "../../schema/operators.ts";

export interface OperatorActor {
  kind: "operator";
  operatorId: number;
  role: OperatorRole;
  name: string;
  jti: string;
}

export interface KeyActor {
  kind: "key";
  keyId: string;
  name: string;
  /** Groups it may speak for; null: all of them. */
  groupIds: number[] | null;
}

/** Whoever acts on the ops surface; on the admin surface only operators do. */
export type OpsActor = OperatorActor | KeyActor;

/** The operator behind an action; null when a script did it. */
export function operatorIdOf(actor: OpsActor): number | null {
  return actor.kind === "operator" ? actor.operatorId : null;
}
