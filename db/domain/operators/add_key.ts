import { and, eq, inArray, isNull } from "drizzle-orm";
import { randomHex32 } from "../../../config/keys.ts";
import { type Ctx, withTx } from "../../client/ctx.ts";
import { HOUSE_APP_ID } from "../../schema/columns.ts";
import { groups } from "../../schema/groups.ts";
import { opsKeys } from "../../schema/operators.ts";
import { DomainError } from "../errors.ts";
import type { OpsActor } from "./actor.ts";
import { keyColumns, type ListedKey } from "./key_reads.ts";
import { makeKeySecret } from "./key_secret.ts";
import { recordAction } from "./record_action.ts";
import { isName, KEY_GROUP_COUNT_MAX } from "./rules.ts";

export interface NewKey {
  name: string;
  /** Groups it may speak for; null: all of them. */
  groupIds: number[] | null;
  /** Undefined: whoever has the database itself, from the command line. */
  actor: OpsActor | undefined;
}

/**
 * Makes a key for a script; its secret is told this once.
 * @throws {DomainError} `params_invalid` for a blank or long name, and for no or too many groups;
 *   `group_missing` for a group operators do not know, partners' and disbanded ones too
 */
export async function addOpsKey(
  ctx: Ctx,
  { name, groupIds: given, actor }: NewKey,
): Promise<ListedKey & { secret: string }> {
  const groupIds = given && [...new Set(given)];
  const isScoped = groupIds === null ||
    groupIds.length > 0 && groupIds.length <= KEY_GROUP_COUNT_MAX;
  if (!isName(name) || !isScoped) throw new DomainError("params_invalid");
  const { secret, secretHash } = makeKeySecret(ctx.config.keys);
  const id = randomHex32();
  return await withTx(ctx, async (tx) => {
    if (groupIds) await findGroups(tx, groupIds);
    const [key] = await tx.db.insert(opsKeys)
      .values({ id, secretHash, name, groupIds, createdAt: tx.now() }).returning(keyColumns);
    if (actor) {
      const [target, after] = [`ops_key:${id}`, { name, groupIds }];
      await recordAction(tx, { actor, action: "ops_keys.add", target, before: null, after });
    }
    return { ...key!, secret };
  });
}

async function findGroups(tx: Ctx, groupIds: number[]): Promise<void> {
  const found = await tx.db.$count(
    groups,
    and(inArray(groups.id, groupIds), eq(groups.appId, HOUSE_APP_ID), isNull(groups.disbandedAt)),
  );
  if (found < groupIds.length) throw new DomainError("group_missing");
}
