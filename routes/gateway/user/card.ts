import { z } from "zod";
import { deleteCard } from "../../../db/domain/cards/delete_card.ts";
import { listCards } from "../../../db/domain/cards/reads.ts";
import { sendCard } from "../../../db/domain/cards/send_card.ts";
import { perUser } from "../../../middleware/rate_limit.ts";
import { Nothing } from "../../fields.ts";
import { ListedUser, listedUser, Page, pageOf, PageQuery } from "../fields.ts";
import { endpoint } from "../surface.ts";

export const send = endpoint({
  method: "post",
  path: "/user/{uid}/card",
  summary: "发送名片",
  description:
    "The receiver gets a message and a push, unless they hold the card already. Who has " +
    "blocked the sender gets nothing; the sender's answer is the same. Oneself is refused.",
  params: z.object({ uid: z.string() }),
  data: Nothing,
  message: "对方已收到你的名片",
  errors: ["user_missing", "self_refused"],
  rate: perUser(30, "1 min"),
  async handle({ params, actor, ctx }) {
    await sendCard(ctx, { from: { userId: actor.userId, uid: actor.uid }, uid: params.uid });
    return {};
  },
});

export const remove = endpoint({
  method: "delete",
  path: "/user/{uid}/card",
  summary: "删除名片",
  description: "Throws away the card `uid` has sent to the caller; a success as well without one.",
  params: z.object({ uid: z.string() }),
  data: Nothing,
  message: "删除成功",
  async handle({ params, actor, ctx }) {
    await deleteCard(ctx, { userId: actor.userId, uid: params.uid });
    return {};
  },
});

export const list = endpoint({
  method: "get",
  path: "/user/card",
  summary: "分页获取名片列表",
  description:
    "People whose cards the caller has received and kept, newest first. Who has deleted " +
    "the account stays listed until the card is thrown away.",
  query: PageQuery,
  data: Page(ListedUser),
  async handle({ query, actor, ctx }) {
    const people = await listCards(ctx, {
      userId: actor.userId,
      cursor: query.lastId,
      count: query.count,
    });
    return pageOf(query.count, people.map(listedUser));
  },
});
