import { uuidV5 } from "../../../config/runtime/uuid.ts";

/** Ours alone, so that no other program's names meet ours. */
const NAMESPACE = "6d7d9c1e5f0e5b0c9f3c0a6f3a1c7b52";

export interface ProfitName {
  /** `yyyyMM` */
  period: string;
  groupId: number;
  category: string;
  userId: number;
}

/**
 * `serial_id` of a record: a UUID of version 5 (RFC 9562) of what it is for, so that however often
 * a month is worked out, a record is the same record.
 */
export function serialIdOf({ period, groupId, category, userId }: ProfitName): string {
  return uuidV5(NAMESPACE, `${period}:${groupId}:${category}:${userId}`);
}
