import type { Ctx } from "../../client/ctx.ts";
import { DomainError } from "../errors.ts";
import type { OpsActor } from "../operators/actor.ts";
import { recordAction } from "../operators/record_action.ts";
import { applyResults, type LineResult, type Outcome, RESULTS_COUNT_MAX } from "./apply_results.ts";
import { CSV_COLUMNS, hasAllColumns, isBlank, isHeader, unguardCell } from "./csv_rules.ts";
import { DESCRIPTION_LENGTH_MAX, resultOf } from "./rules.ts";
import type { Scope } from "./scope.ts";

/** Problems of one kind that are told one by one; of more there is only the number. */
export const PROBLEMS_TOLD_MAX = 100;

export interface CsvRow {
  /** From 1, the header. */
  line: number;
  cells: string[];
}

export interface Problem {
  line: number;
  /** A serial id nobody knows, or why the line was left out. */
  text: string;
}

export interface Feedback {
  claimedCount: number;
  failedCount: number;
  unchangedCount: number;
  /** Lines without a result. */
  skippedCount: number;
  unknownCount: number;
  unknown: Problem[];
  rejectedCount: number;
  rejected: Problem[];
}

/**
 * Enters what a bank's file, the contract's CSV with its last column filled in, says of records:
 * line by line as it is read, in batches that are each entered whole. The same file again changes
 * nothing, so one that broke off is simply sent again. Lines that are wrong are told and left out.
 * @throws {DomainError} `params_invalid` when the first line is not the contract's: nothing is done
 */
export async function takeFeedback(
  ctx: Ctx,
  { rows, actor, scope }: { rows: AsyncIterable<CsvRow>; actor: OpsActor; scope: Scope },
): Promise<Feedback> {
  const tally = new Tally();
  let batch = new Map<string, LineResult>();
  const enter = async () => {
    const results = [...batch.values()];
    batch = new Map();
    if (results.length === 0) return;
    const outcomes = await applyResults(ctx, { actor, scope, results });
    results.forEach((result, at) => tally.count(result, outcomes[at]!));
  };
  let isFirst = true;
  for await (const { line, cells } of rows) {
    if (isFirst) {
      if (!isHeader(cells)) throw noHeader();
      isFirst = false;
      continue;
    }
    const result = tally.read({ line, cells });
    if (!result) continue;
    // What a file says of a record later is entered later.
    if (batch.has(result.serialId) || batch.size >= RESULTS_COUNT_MAX) await enter();
    batch.set(result.serialId, result);
  }
  if (isFirst) throw noHeader();
  await enter();
  const { feedback } = tally;
  await recordAction(ctx, {
    actor,
    action: "profits.feedback",
    target: `profits:${ctx.requestId}`,
    before: null,
    after: countsOf(feedback),
  });
  return feedback;
}

function noHeader(): DomainError {
  return new DomainError("params_invalid", {
    message: `表头不正确，应为：${CSV_COLUMNS.join(",")}`,
    english: "The first line is not that of the downloaded file",
  });
}

function countsOf({ unknown: _unknown, rejected: _rejected, ...counts }: Feedback) {
  return counts;
}

const SERIAL_ID = /^[\da-f]{8}(-[\da-f]{4}){3}-[\da-f]{12}$/;

class Tally {
  readonly feedback: Feedback = {
    claimedCount: 0,
    failedCount: 0,
    unchangedCount: 0,
    skippedCount: 0,
    unknownCount: 0,
    unknown: [],
    rejectedCount: 0,
    rejected: [],
  };

  read({ line, cells }: CsvRow): LineResult | undefined {
    if (isBlank(cells)) return undefined;
    if (!hasAllColumns(cells)) return this.#reject(line, "列数不正确");
    const serialId = unguardCell(cells[0]!).trim().toLowerCase();
    if (!SERIAL_ID.test(serialId)) return this.#reject(line, "流水号不正确");
    const result = resultOf(unguardCell(cells[CSV_COLUMNS.length - 1]!));
    if (!result) {
      this.feedback.skippedCount++;
      return undefined;
    }
    if ([...result.description].length > DESCRIPTION_LENGTH_MAX) {
      return this.#reject(line, `打款结果不能超过${DESCRIPTION_LENGTH_MAX}个字`);
    }
    // PostgreSQL keeps no NUL in a text.
    if (result.description.includes("\0")) return this.#reject(line, "打款结果中有不可用的字符");
    return { line, serialId, ...result };
  }

  count({ line, serialId, state }: LineResult, outcome: Outcome): void {
    const { feedback } = this;
    if (outcome === "unchanged") feedback.unchangedCount++;
    else if (outcome === "refused") this.#reject(line, "已发放，不能再改");
    else if (outcome === "unknown") {
      feedback.unknownCount++;
      tell(feedback.unknown, { line, text: serialId });
    } else if (state === "claimed") feedback.claimedCount++;
    else feedback.failedCount++;
  }

  #reject(line: number, text: string): undefined {
    this.feedback.rejectedCount++;
    tell(this.feedback.rejected, { line, text });
  }
}

function tell(problems: Problem[], problem: Problem): void {
  if (problems.length < PROBLEMS_TOLD_MAX) problems.push(problem);
}
