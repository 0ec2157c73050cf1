import { z } from "zod";
import { blockUser } from "../../../db/domain/blocks/block_user.ts";
import { listBlocked } from "../../../db/domain/blocks/reads.ts";
import { unblockUser } from "../../../db/domain/blocks/unblock_user.ts";
import { Nothing } from "../../fields.ts";
import { ListedUser, listedUser, Page, pageOf, PageQuery } from "../fields.ts";
import { endpoint } from "../surface.ts";

export const list = endpoint({
  method: "get",
  path: "/user/block",
  summary: "分页获取黑名单列表",
  description: "Newest first. Who has deleted the account stays listed until unblocked.",
  query: PageQuery,
  data: Page(ListedUser),
  async handle({ query, actor, ctx }) {
    const people = await listBlocked(ctx, {
      userId: actor.userId,
      cursor: query.lastId,
      count: query.count,
    });
    return pageOf(query.count, people.map(listedUser));
  },
});

export const block = endpoint({
  method: "post",
  path: "/user/{uid}/block",
  summary: "拉黑用户",
  description: "Blocking somebody again is a success and keeps the first time. Oneself is refused.",
  params: z.object({ uid: z.string() }),
  data: Nothing,
  message: "拉黑成功",
  errors: ["user_missing", "self_refused"],
  async handle({ params, actor, ctx }) {
    await blockUser(ctx, { userId: actor.userId, uid: params.uid });
    return {};
  },
});

export const unblock = endpoint({
  method: "delete",
  path: "/user/{uid}/block",
  summary: "取消拉黑用户",
  description: "A success as well for somebody who is not blocked, or not there.",
  params: z.object({ uid: z.string() }),
  data: Nothing,
  message: "取消拉黑成功",
  repeatable: true,
  async handle({ params, actor, ctx }) {
    await unblockUser(ctx, { userId: actor.userId, uid: params.uid });
    return {};
  },
});
