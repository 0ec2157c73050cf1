import { z } from "zod";
import { enterBroadcast } from "../../../db/domain/broadcasts/enter_broadcast.ts";
import { RECEIVERS_COUNT_MAX } from "../../../db/domain/broadcasts/rules.ts";
import { GroupId, UserId } from "../fields.ts";
import { endpoint } from "../surface.ts";

const Receivers = z.array(UserId).max(RECEIVERS_COUNT_MAX);

const Body = z.object({
  reciever_id: Receivers.nullish().describe("接收消息的用户id数组"),
  receiver_id: Receivers.nullish().describe("The same, spelt right"),
  message: z.string().refine((message) => message.trim() !== "")
    .transform((message) => message.toWellFormed()),
  broadcast: z.boolean().nullish().describe("To everybody in the group, whoever else is named"),
}).refine(
  (body) => body.broadcast || receiversOf(body).length > 0,
  { path: ["reciever_id"] },
);

function receiversOf(
  body: { reciever_id?: string[] | null; receiver_id?: string[] | null },
): string[] {
  return [...body.reciever_id ?? [], ...body.receiver_id ?? []];
}

export const send = endpoint({
  method: "post",
  path: "/v1/groups/{group_id}/send_message",
  summary: "Send a message to a group's members",
  description:
    "Answers at once; a job delivers it, to each member once, into the group and, where " +
    "the group has a Mixin bot, over Mixin. How far it has got says `GET /v1/broadcasts/{id}`.",
  needs: "broadcasts.send",
  params: z.object({ group_id: GroupId }),
  body: Body,
  data: z.object({ result: z.literal("ok"), broadcast_id: z.string() }),
  errors: ["group_missing", "group_stopped", "message_invalid"],
  async handle({ params, body, actor, ctx }) {
    const broadcastId = await enterBroadcast(ctx, {
      groupId: params.group_id,
      text: body.message,
      uids: body.broadcast ? undefined : receiversOf(body),
      actor,
    });
    return { result: "ok" as const, broadcast_id: String(broadcastId) };
  },
});
