import { and, eq, sql } from "drizzle-orm";
import { seal } from "../../../config/runtime/sealed.ts";
import { type Ctx, withTx } from "../../client/ctx.ts";
import { HOUSE_APP_ID } from "../../schema/columns.ts";
import { groups } from "../../schema/groups.ts";
import { DomainError } from "../errors.ts";
import { wake } from "../messages/send.ts";
import type { OpsActor } from "../operators/actor.ts";
import { recordAction } from "../operators/record_action.ts";
import { Announcer } from "./announce.ts";
import { keystoreBinding } from "./keystore.ts";
import { groupColumns, managed, type ManagedGroup, type Status } from "./managed_group.ts";
import { type Action, can } from "./rules.ts";

/** Digits behind the point of a rate. */
const RATE_PLACES = 4;

/** What becomes of a group; absent stays as it is. */
export interface ManagedGroupChange {
  groupId: number;
  name?: string | undefined;
  /** A stopped group's people go on talking: it is paid no profits and gets no broadcasts. */
  status?: Status | undefined;
  /** Shares of the payments, decimal strings from 0 to 1, of months that are not closed yet. */
  ownerRate?: string | undefined;
  inviterRate?: string | undefined;
  /** Of its Mixin bot, as Mixin's dashboard gives it; null: it has none any more. */
  keystore?: Keystore | null | undefined;
  actor: OpsActor;
}

/** What a bot signs with: kept sealed, never shown. */
export interface Keystore {
  app_id: string;
  [part: string]: string;
}

/**
 * Changes a group. What is so already leaves no trace; a new name is told to the group's members
 * like one its owner gave it.
 *
 * @throws {DomainError} `group_missing`
 */
export async function changeManagedGroup(
  ctx: Ctx,
  { groupId, actor, ...change }: ManagedGroupChange,
): Promise<ManagedGroup> {
  const isAllowed = actionsOf(change).every((action) => can("operator", action));
  if (!isAllowed) throw new DomainError("group_no_right");
  const changed = await withTx(ctx, async (tx) => {
    // Not a stronger lock: see `changeGroup`.
    const [before] = await tx.db.select({ ...groupColumns, groupNo: groups.groupNo }).from(groups)
      .where(and(eq(groups.id, groupId), managed)).for("no key update");
    if (!before) throw new DomainError("group_missing");
    const { groupNo, ...group } = before;
    const given = { ...shown(change), ...botOf(change) };
    const after = differing(given, group);
    if (Object.keys(after).length === 0 && !change.keystore) return { group, accepted: [] };
    const [changed] = await tx.db.update(groups).set({
      ...shown(change),
      ...sealedBotOf(tx, groupId, change),
      version: sql`${groups.version} + 1`,
      updatedAt: tx.now(),
    }).where(eq(groups.id, groupId)).returning(groupColumns);
    const { name } = after;
    const accepted = name === undefined ? [] : await sayName(tx, { id: groupId, groupNo, name });
    await recordAction(tx, {
      actor,
      action: "groups.change",
      target: `group:${groupId}`,
      before: differing(group, given, Object.keys(after)),
      after: { ...after, ...change.keystore && { keystore: "new" } },
    });
    return { group: changed!, accepted };
  });
  for (const accepted of changed.accepted) wake(ctx, accepted);
  return changed.group;
}

function actionsOf({ name, ...rest }: Change): Action[] {
  const others = Object.values(rest).filter((it) => it !== undefined);
  return [...name === undefined ? [] : ["edit" as const], ...others.map(() => "manage" as const)];
}

type Change = Omit<ManagedGroupChange, "groupId" | "actor">;
/** Parts of a group that may be written down as they are. */
type Parts = Partial<Omit<ManagedGroup, "id" | "createdAt" | "updatedAt">>;

/** Rates in the form the database gives them back in, so that equal ones are equal texts. */
function shown({ name, status, ownerRate, inviterRate }: Change): Parts {
  const rateOf = (rate: string) => Number(rate).toFixed(RATE_PLACES);
  return {
    ...name !== undefined && { name },
    ...status !== undefined && { status },
    ...ownerRate !== undefined && { ownerRate: rateOf(ownerRate) },
    ...inviterRate !== undefined && { inviterRate: rateOf(inviterRate) },
  };
}

function botOf({ keystore }: Change): Parts {
  if (keystore === undefined) return {};
  return { clientId: keystore?.app_id ?? null, hasKeystore: keystore !== null };
}

function sealedBotOf({ config }: Ctx, groupId: number, { keystore }: Change) {
  if (keystore === undefined) return {};
  if (keystore === null) return { clientId: null, keystoreSealed: null };
  const text = JSON.stringify(keystore);
  return {
    clientId: keystore.app_id,
    keystoreSealed: seal(config.keys, text, keystoreBinding(groupId)),
  };
}

/** What of `parts` is not as in `others`; or just the named ones. */
function differing(parts: Parts, others: Parts, names = Object.keys(parts)): Parts {
  return Object.fromEntries(
    names.map((name) => [name, parts[name as keyof Parts]])
      .filter(([name, part]) => part !== others[name as keyof Parts]),
  );
}

async function sayName(
  tx: Ctx,
  { name, ...group }: { id: number; groupNo: string; name: string },
): Promise<Announcer["accepted"]> {
  const announcer = new Announcer(tx, { ...group, name, tenantId: HOUSE_APP_ID });
  await announcer.tell({ kind: "renamed", by: undefined, name });
  return announcer.accepted;
}
