import { z } from "zod";
import { type Favorite, listFavorites } from "../../db/domain/favorites/reads.ts";
import { HexId } from "../fields.ts";
import { pageOf, PageQuery, timeText } from "./fields.ts";
import { endpoint } from "./surface.ts";

const FavoriteResp = z.object({
  no: HexId.describe("收藏唯一编号"),
  type: z.number().int().describe("The message's content type"),
  unique_key: z.string().describe("The message's key"),
  author_uid: z.string(),
  author_name: z.string(),
  author_avatar: z.string(),
  payload: z.record(z.string(), z.unknown()),
  created_at: z.string(),
});

function favoriteResp(favorite: Favorite): z.input<typeof FavoriteResp> {
  return {
    no: favorite.no,
    type: favorite.type,
    unique_key: favorite.uniqueKey,
    author_uid: favorite.authorUid,
    author_name: favorite.authorName,
    author_avatar: favorite.authorAvatar,
    payload: favorite.payload,
    created_at: timeText(favorite.createdAt),
  };
}

export const list = endpoint({
  method: "get",
  path: "/favorite/my",
  summary: "我的收藏列表",
  description: "Newest first.",
  query: PageQuery,
  data: z.array(FavoriteResp),
  async handle({ query, actor, ctx }) {
    const favorites = await listFavorites(ctx, {
      userId: actor.userId,
      ...pageOf(query),
    });
    return favorites.map(favoriteResp);
  },
});
