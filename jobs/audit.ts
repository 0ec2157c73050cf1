import type { Ctx } from "../db/client/ctx.ts";
import type { Step } from "../db/domain/jobs/runs.ts";
import { AUDIT_RULE_COUNT, auditLedger, type AuditLine } from "../db/domain/ledger/audit.ts";
import type { ChunkInput } from "./run.ts";

/** The books are not as they must be; the message says where. */
export class BooksBrokenError extends Error {
  override name = "BooksBrokenError";
  constructor(broken: AuditLine[]) {
    const lines = broken.map(({ invariant, rule, violations, example }) =>
      `${invariant} (${rule}): ${violations}, such as ${example}`
    );
    super(lines.join("; "));
  }
}

export async function audit(ctx: Ctx, { progress }: Pick<ChunkInput, "progress">): Promise<Step> {
  const held = progress as string[] | null ?? [];
  const lines = await auditLedger(ctx, [held.length]);
  const broken = lines.filter(({ violations }) => violations > 0);
  if (broken.length > 0) throw new BooksBrokenError(broken);
  const report = [...held, ...lines.map(({ invariant, rule }) => `${invariant}: ${rule}`)];
  return { progress: report, report, isLast: report.length >= AUDIT_RULE_COUNT };
}
