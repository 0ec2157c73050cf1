import { uuidV5 } from "../../../config/runtime/uuid.ts";

/** Ours alone, so that no other program's names meet ours. */
const NAMESPACE = "6d7d9c1e5f0e5b0c9f3c0a6f3a1c7b52";

export interface ProfitName {
  period: string;
  groupId: number;
  category: string;
  userId: number;
}

/** A UUIDv5 (RFC 9562) of what it is for: worked out again, a record is the same record. */
export function serialIdOf({ period, groupId, category, userId }: ProfitName): string {
  return uuidV5(NAMESPACE, `${period}:${groupId}:${category}:${userId}`);
}
