import { z } from "zod";
import { addOpsKey } from "../../db/domain/operators/add_key.ts";
import { type ListedKey, listOpsKeys } from "../../db/domain/operators/key_reads.ts";
import { disableOpsKey } from "../../db/domain/operators/revoke.ts";
import { rotateOpsKey } from "../../db/domain/operators/rotate_key.ts";
import {
  KEEP_OLD_MINUTES_MAX,
  KEY_GROUP_COUNT_MAX,
  KEYS_START_MAX,
  NAME_LENGTH_MAX,
} from "../../db/domain/operators/rules.ts";
import { HexId, nameUpTo } from "../fields.ts";
import { GroupId, pageOf, pageQuery, timeText } from "./fields.ts";
import { endpoint } from "./surface.ts";

const KeyRecord = z.object({
  id: HexId,
  name: z.string(),
  group_ids: z.array(z.string()).nullable().describe("Groups it may speak for; null: all"),
  created_at: z.string(),
  last_used_at: z.string().nullable().describe("To the minute; null: never"),
  disabled_at: z.string().nullable(),
});

function keyRecord(key: ListedKey): z.input<typeof KeyRecord> {
  return {
    id: key.id,
    name: key.name,
    group_ids: key.groupIds?.map(String) ?? null,
    created_at: timeText(key.createdAt),
    last_used_at: key.lastUsedAt && timeText(key.lastUsedAt),
    disabled_at: key.disabledAt && timeText(key.disabledAt),
  };
}

const Secret = HexId.describe("Shown this once");
const KeyParams = z.object({ id: z.string().max(64) });
/** As the list of groups has it, or the number it is. */
const GivenGroupId = z.union([z.number().int().transform(String), z.string()]).pipe(GroupId);

export const list = endpoint({
  method: "get",
  path: "/v1/keys",
  summary: "List scripts' keys",
  description: "Newest first, disabled ones too; never their secrets.",
  needs: "keys.manage",
  query: pageQuery(KEYS_START_MAX),
  data: pageOf(KeyRecord),
  async handle({ query, ctx }) {
    const { total, items } = await listOpsKeys(ctx, query);
    return { total, items: items.map(keyRecord) };
  },
});

export const add = endpoint({
  method: "post",
  path: "/v1/keys",
  summary: "Make a key for a script",
  description: "It calls with `Basic base64(id:secret)`.",
  needs: "keys.manage",
  body: z.object({
    name: nameUpTo(NAME_LENGTH_MAX),
    group_ids: z.array(GivenGroupId).min(1).max(KEY_GROUP_COUNT_MAX).nullish()
      .describe("Groups it may speak for; absent: all"),
  }),
  data: KeyRecord.extend({ secret: Secret }),
  errors: ["group_missing"],
  async handle({ body: { name, group_ids: groupIds = null }, actor, ctx }) {
    const { secret, ...key } = await addOpsKey(ctx, { name, groupIds, actor });
    return { ...keyRecord(key), secret };
  },
});

export const rotate = endpoint({
  method: "post",
  path: "/v1/keys/{id}/rotate",
  summary: "Give a key a new secret",
  description: "The one it had ends at once, or stays good beside it for as long as is asked for.",
  needs: "keys.manage",
  params: KeyParams,
  body: z.object({
    keep_old_minutes: z.number().int().min(0).max(KEEP_OLD_MINUTES_MAX).nullish(),
  }),
  data: z.object({ id: HexId, secret: Secret }),
  errors: ["ops_key_missing"],
  handle: async ({ params, body, actor, ctx }) =>
    await rotateOpsKey(ctx, {
      keyId: params.id,
      keepOldMinutes: body.keep_old_minutes ?? 0,
      actor,
    }),
});

export const disable = endpoint({
  method: "post",
  path: "/v1/keys/{id}/disable",
  summary: "Disable a key for good",
  description: "Its secrets end at once. Disabled again, nothing happens.",
  needs: "keys.manage",
  params: KeyParams,
  data: KeyRecord,
  errors: ["ops_key_missing"],
  handle: async ({ params, actor, ctx }) =>
    keyRecord(await disableOpsKey(ctx, { keyId: params.id, actor })),
});
