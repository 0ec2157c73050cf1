import type { OperatorRole } from "../../schema/operators.ts";

export { type OperatorRole, operatorRoles } from "../../schema/operators.ts";

/** Who may do what. Auditors look and change nothing. */
const table = {
  "recharges.confirm": ["admin", "operator"],
  "withdrawals.read": ["admin", "operator", "auditor"],
  "withdrawals.decide": ["admin", "operator"],
  "apps.manage": ["admin"],
  "operators.manage": ["admin"],
  "keys.manage": ["admin"],
  "users.read": ["admin", "operator", "auditor"],
  /** Mobile numbers as they are; masked to others. */
  "users.read_full": ["admin", "operator"],
  "users.change": ["admin", "operator"],
  "payment_methods.read": ["admin", "operator", "auditor"],
  /** Accounts as they are; masked to others. */
  "payment_methods.read_full": ["admin", "operator"],
  "groups.read": ["admin", "operator", "auditor"],
  "groups.change": ["admin", "operator"],
  "broadcasts.read": ["admin", "operator", "auditor"],
  "broadcasts.send": ["admin", "operator"],
  "payments.record": ["admin", "operator"],
  "profits.read": ["admin", "operator", "auditor"],
  /** Numbers of phones and cards as they are; masked to others. */
  "profits.read_full": ["admin", "operator"],
  /** The file has them, and numbers of id cards, as they are. */
  "profits.download": ["admin", "operator"],
  "profits.decide": ["admin", "operator"],
  "jobs.read": ["admin", "operator", "auditor"],
  "jobs.run": ["admin", "operator"],
  "dead_letters.read": ["admin", "operator", "auditor"],
  "dead_letters.redrive": ["admin", "operator"],
  "audit.read": ["admin", "auditor"],
} as const satisfies Record<string, readonly OperatorRole[]>;

export type Permission = keyof typeof table;
export const permissions = Object.keys(table) as Permission[];

export function can(role: OperatorRole, permission: Permission): boolean {
  const roles: readonly OperatorRole[] = table[permission];
  return roles.includes(role);
}
