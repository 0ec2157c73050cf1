import { z } from "zod";
import { uuidText } from "../../../config/runtime/uuid.ts";
import { DomainError } from "../../../db/domain/errors.ts";
import type { OpsActor } from "../../../db/domain/operators/actor.ts";
import { can } from "../../../db/domain/operators/permissions.ts";
import type { ProfitRecord } from "../../../db/domain/payouts/record_row.ts";
import { type Scope, scopeOf } from "../../../db/domain/payouts/scope.ts";
import { GroupId, timeText } from "../fields.ts";

/**
 * The groups a call is about: the header `group_id` names one, and a key may be limited to some
 * (docs/contracts/ops.md#post-v1profitscny_recordsdownload).
 *
 * @throws {DomainError} `params_invalid`, `operator_no_right`
 */
export function scopeOfCall({ actor, headers }: { actor: OpsActor; headers: Headers }): Scope {
  const named = headers.get("group_id");
  if (named === null) return scopeOf(actor, undefined);
  const groupId = GroupId.safeParse(named);
  if (!groupId.success) {
    throw new DomainError("params_invalid", {
      message: "群不正确",
      english: "group_id is not valid",
    });
  }
  return scopeOf(actor, groupId.data);
}

/** Scripts that pay need the numbers they pay to. */
export function mayReadFull(actor: OpsActor): boolean {
  return actor.kind === "key" || can(actor.role, "profits.read_full");
}

const MASKED = "Masked to those who may not read it";

export const CnyRecord = z.object({
  user_id: z.string().describe("The person's uid as a UUID"),
  date: z.string().describe("yyyyMM"),
  group_id: z.string(),
  category: z.enum(["Group", "Inviter"]).describe(
    "Group: the owner's share; Inviter: an inviter's",
  ),
  amount: z.string().describe("CNY, a decimal string of at most four places"),
  is_kyced: z.boolean(),
  kyc_authorized: z.boolean(),
  real_name: z.string(),
  id_type: z.enum(["idcard", ""]),
  id_no: z.string().describe("Encrypted (AES-256-GCM), base64"),
  phone_code: z.string(),
  phone_number: z.string().describe(MASKED),
  issuer: z.literal("unionpay").optional().describe("This and what follows: of their bank card"),
  issuer_bank_name: z.string().optional(),
  issuer_bank_symbol: z.string().optional(),
  issuer_branch_bank_name: z.string().optional(),
  card_holder_name: z.string().optional(),
  card_number: z.string().optional().describe(MASKED),
  state: z.enum(["init", "error", "claimed"]),
  description: z.string(),
  serial_id: z.string(),
  created_at: z.string(),
  updated_at: z.string(),
});

export function cnyRecord(record: ProfitRecord): z.input<typeof CnyRecord> {
  const { realName } = record;
  return {
    user_id: uuidText(record.uid),
    date: record.period,
    group_id: String(record.groupId),
    category: record.category,
    amount: record.amount,
    is_kyced: realName !== null,
    // Whoever proved their name has let us keep the proof.
    kyc_authorized: realName !== null,
    real_name: realName?.name ?? "",
    id_type: realName?.idType === "idcard" ? "idcard" : "",
    // The number of the key stands before the point.
    id_no: realName?.idNoSealed.split(".")[1] ?? "",
    phone_code: record.countryCode,
    phone_number: record.mobile,
    ...cardFields(record),
    state: record.state,
    description: record.description,
    serial_id: record.serialId,
    created_at: timeText(record.createdAt),
    updated_at: timeText(record.updatedAt),
  };
}

/** What is empty is left out (docs/contracts/ops.md#profit-record). */
function cardFields({ card }: ProfitRecord) {
  if (card === null) return {};
  return {
    issuer: "unionpay" as const,
    issuer_bank_name: card.bankName || undefined,
    issuer_bank_symbol: card.bankCode || undefined,
    issuer_branch_bank_name: card.branchName || undefined,
    card_holder_name: card.holderName || undefined,
    card_number: card.number || undefined,
  };
}
