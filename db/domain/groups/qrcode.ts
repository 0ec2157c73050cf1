import { sql } from "drizzle-orm";
import type { Ctx } from "../../client/ctx.ts";
import { bool, rows, text } from "../../sql.ts";
import { DomainError } from "../errors.ts";
import { present } from "../users/who_is_there.ts";
import { openCode, sealCode } from "./codes.ts";
import { readPlace } from "./reads.ts";
import { JOIN_LIFE_MS, QRCODE_LIFE_MS } from "./rules.ts";

/**
 * A fresh code for a group's QR code, which remembers who shows it.
 *
 * @throws {DomainError} `group_missing`, `group_not_member`
 */
export async function makeGroupCode(
  ctx: Ctx,
  { groupNo, userId }: { groupNo: string; userId: number },
): Promise<{ code: string; expiresAt: Date }> {
  const { groupId } = await readPlace(ctx, { groupNo, userId });
  const at = ctx.now();
  const code = sealCode({ config: ctx.config, now: () => at }, "qrcode.group", {
    value: { groupId, generatorId: userId, madeAtMs: at.getTime() },
    lifeMs: QRCODE_LIFE_MS,
  });
  return { code, expiresAt: new Date(at.getTime() + QRCODE_LIFE_MS) };
}

/** The code of a person, which stays the same. */
export function codeOfUser(uid: string): string {
  return `user_${uid}`;
}

/** What a scanned code leads to. */
export type Scanned =
  | { kind: "user"; uid: string }
  | { kind: "group"; groupNo: string }
  | { kind: "join"; groupNo: string; authCode: string };

/**
 * What the code of a person or a group says to who scanned it.
 *
 * @throws {DomainError} `qrcode_invalid`
 */
export async function scanCode(
  ctx: Ctx,
  { code, userId }: { code: string; userId: number },
): Promise<Scanned> {
  const uid = /^user_([a-f0-9]{32})$/.exec(code)?.[1];
  if (uid !== undefined) {
    const { rows } = await ctx.db.execute(sql`
      select 1 from users where users.uid = ${uid} and ${present}`);
    if (rows.length === 0) throw new DomainError("qrcode_invalid");
    return { kind: "user", uid };
  }
  const group = openCode(ctx, "qrcode.group", code);
  if (!group) throw new DomainError("qrcode_invalid");
  const [found] = await rows(
    ctx,
    sql`
      select group_no, exists (select 1 from group_members where group_id = groups.id
        and user_id = ${userId} and removed_at is null) as is_member
      from groups where id = ${group.groupId} and disbanded_at is null`,
    { groupNo: text, isMember: bool },
  );
  if (!found) throw new DomainError("qrcode_invalid");
  const { groupNo, isMember } = found;
  if (isMember) return { kind: "group", groupNo };
  const value = {
    groupNo,
    generatorId: group.generatorId,
    userId,
    madeAtMs: group.madeAtMs,
  };
  return {
    kind: "join",
    groupNo,
    authCode: sealCode(ctx, "group.join", { value, lifeMs: JOIN_LIFE_MS }),
  };
}
