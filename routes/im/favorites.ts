import { z } from "zod";
import { addFavorite } from "../../db/domain/favorites/add_favorite.ts";
import { deleteFavorite } from "../../db/domain/favorites/delete_favorite.ts";
import { FAVORITE_KEY_LENGTH_MAX } from "../../db/domain/favorites/rules.ts";
import { perUser } from "../../middleware/rate_limit.ts";
import { Text } from "../fields.ts";
import { Done, done } from "./fields.ts";
import { endpoint } from "./surface.ts";

/** Largest body: a payload at its largest, written with escapes, fits. */
const FAVORITE_BODY_BYTES_MAX = 128 * 1024;
const INT32_MAX = 2 ** 31 - 1;

export const add = endpoint({
  method: "post",
  path: "/favorites",
  summary: "添加收藏",
  description: "The same message again changes nothing. The contract's query parameter " +
    "`page_size` has no meaning here and need not be sent.",
  query: z.object({ page_size: z.unknown().optional() }),
  body: z.object({
    type: z.coerce.number().int().min(0).max(INT32_MAX).describe("The message's content type"),
    unique_key: Text.pipe(z.string().min(1).max(FAVORITE_KEY_LENGTH_MAX))
      .describe("The message's key"),
    author_uid: Text.pipe(z.string().max(FAVORITE_KEY_LENGTH_MAX)).default(""),
    author_name: z.string().max(FAVORITE_KEY_LENGTH_MAX).default(""),
    payload: z.record(z.string(), z.unknown()).describe("At most 16 KiB as JSON"),
  }),
  data: Done,
  rate: perUser(60, "1 min"),
  bodyBytesMax: FAVORITE_BODY_BYTES_MAX,
  async handle({ body, actor, ctx }) {
    await addFavorite(ctx, {
      userId: actor.userId,
      type: body.type,
      uniqueKey: body.unique_key,
      authorUid: body.author_uid,
      authorName: body.author_name,
      payload: body.payload,
    });
    return done;
  },
});

export const remove = endpoint({
  method: "delete",
  path: "/favorites/{no}",
  summary: "删除收藏",
  params: z.object({ no: z.string().describe("收藏唯一编号") }),
  data: Done,
  errors: ["favorite_missing"],
  async handle({ params, actor, ctx }) {
    await deleteFavorite(ctx, { userId: actor.userId, no: params.no });
    return done;
  },
});
