import { z } from "zod";
import { changeManagedGroup } from "../../db/domain/groups/change_managed_group.ts";
import type { ManagedGroup } from "../../db/domain/groups/managed_group.ts";
import { listManagedGroups, readManagedGroup } from "../../db/domain/groups/managed_reads.ts";
import { KEYWORD_LENGTH_MAX, LISTED_COUNT_MAX } from "../../db/domain/groups/managed_rules.ts";
import { GROUP_NAME_LENGTH_MAX } from "../../db/domain/groups/rules.ts";
import { Flag, nameUpTo } from "../fields.ts";
import { GroupId, pageOf, pageQuery, timeText } from "./fields.ts";
import { endpoint } from "./surface.ts";

const GroupRecord = z.object({
  id: z.string(),
  created_at: z.string(),
  updated_at: z.string(),
  client_id: z.string().describe("Of the group's Mixin bot; empty without one"),
  keystore_file: z.string().describe("Named when there is a keystore; the keystore is never shown"),
  status: Flag.describe("1 running, 0 stopped"),
  name: z.string(),
  country_name: z.string().optional(),
  owner_rate: z.string().describe("The owner's share of the payments"),
  inviter_rate: z.string().describe("That of whoever brought the payer"),
});

function groupRecord(group: ManagedGroup): z.input<typeof GroupRecord> {
  return {
    id: String(group.id),
    created_at: timeText(group.createdAt),
    updated_at: timeText(group.updatedAt),
    client_id: group.clientId ?? "",
    keystore_file: group.hasKeystore ? `keystores/keystore-${group.id}.json` : "",
    status: group.status,
    name: group.name,
    country_name: group.countryName ?? undefined,
    owner_rate: group.ownerRate,
    inviter_rate: group.inviterRate,
  };
}

/** A share: from 0 to 1, at most four places. */
const Rate = z.string().regex(/^(0(\.\d{1,4})?|1(\.0{1,4})?)$/);

/** As Mixin's dashboard gives it. */
const Keystore = z.object({
  app_id: z.uuid().toLowerCase(),
  session_id: z.uuid(),
  session_private_key: z.string().regex(/^[0-9a-fA-F]{64}$/),
  server_public_key: z.string().regex(/^[0-9a-fA-F]{64}$/),
});

const IdParams = z.object({ id: GroupId });
const STATUS = { start: 1, stop: 0 } as const;

export const list = endpoint({
  method: "get",
  path: "/v1/groups",
  summary: "List groups",
  description: `Newest first. \`total\` is counted up to ${LISTED_COUNT_MAX}.`,
  needs: "groups.read",
  query: pageQuery(LISTED_COUNT_MAX).extend({
    keyword: z.string().trim().max(KEYWORD_LENGTH_MAX).default("")
      .describe("A part of the name, or the whole id"),
  }),
  data: pageOf(GroupRecord),
  async handle({ query, ctx }) {
    const { total, groups } = await listManagedGroups(ctx, query);
    return { total, items: groups.map(groupRecord) };
  },
});

export const read = endpoint({
  method: "get",
  path: "/v1/groups/{id}",
  summary: "Read a group",
  needs: "groups.read",
  params: IdParams,
  data: GroupRecord,
  errors: ["group_missing"],
  handle: async ({ params, ctx }) => groupRecord(await readManagedGroup(ctx, params.id)),
});

export const edit = endpoint({
  method: "patch",
  path: "/v1/groups/{id}",
  summary: "Change a group",
  description:
    "What is absent stays. The group's members read of a new name in the group. Of ours " +
    "beyond the contract: the rates, and the Mixin bot's keystore, null to take it away.",
  needs: "groups.change",
  params: IdParams,
  body: z.object({
    name: nameUpTo(GROUP_NAME_LENGTH_MAX).optional(),
    status: Flag.optional(),
    owner_rate: Rate.optional(),
    inviter_rate: Rate.optional(),
    keystore: Keystore.nullable().optional(),
  }),
  data: GroupRecord,
  errors: ["group_missing"],
  async handle({ params, body, actor, ctx }) {
    const { owner_rate: ownerRate, inviter_rate: inviterRate, ...rest } = body;
    const change = { groupId: params.id, ...rest, ownerRate, inviterRate, actor };
    return groupRecord(await changeManagedGroup(ctx, change));
  },
});

export const start = endpoint({
  method: "post",
  path: "/v1/groups/{id}/start",
  summary: "Start a group",
  description: "Started again, nothing happens.",
  needs: "groups.change",
  params: IdParams,
  data: GroupRecord,
  errors: ["group_missing"],
  async handle({ params, actor, ctx }) {
    const change = { groupId: params.id, status: STATUS.start, actor };
    return groupRecord(await changeManagedGroup(ctx, change));
  },
});

export const stop = endpoint({
  method: "post",
  path: "/v1/groups/{id}/stop",
  summary: "Stop a group",
  description:
    "It is paid no profits and gets no broadcasts; its people go on talking. What was to be " +
    "broadcast before is delivered. Stopped again, nothing happens.",
  needs: "groups.change",
  params: IdParams,
  data: GroupRecord,
  errors: ["group_missing"],
  async handle({ params, actor, ctx }) {
    const change = { groupId: params.id, status: STATUS.stop, actor };
    return groupRecord(await changeManagedGroup(ctx, change));
  },
});
