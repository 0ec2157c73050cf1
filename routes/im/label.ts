import { z } from "zod";
import { createLabel } from "../../db/domain/friends/create_label.ts";
import { deleteLabel } from "../../db/domain/friends/delete_label.ts";
import { editLabel } from "../../db/domain/friends/edit_label.ts";
import { type Label, listLabels, readLabel } from "../../db/domain/friends/label_reads.ts";
import {
  LABEL_MEMBER_COUNT_MAX,
  LABEL_NAME_LENGTH_MAX,
} from "../../db/domain/friends/label_rules.ts";
import { HexId, nameUpTo } from "../fields.ts";
import { Done, done, doneAnd } from "./fields.ts";
import { endpoint } from "./surface.ts";

const LabelName = nameUpTo(LABEL_NAME_LENGTH_MAX).describe("Different from your other labels'");
const MemberUids = z.array(z.string().max(64)).max(LABEL_MEMBER_COUNT_MAX)
  .describe("Friends; who is none is skipped");

const LabelResp = z.object({
  id: z.number().int(),
  name: z.string(),
  count: z.number().int().describe("How many members it has"),
  members: z.array(z.object({
    uid: HexId,
    name: z.string(),
    remark: z.string().describe("What you call this person"),
  })),
});

function labelResp(label: Label): z.input<typeof LabelResp> {
  return { ...label, count: label.members.length };
}

const LabelParams = z.object({
  id: z.coerce.number().int().positive().describe("标签ID"),
});

export const add = endpoint({
  method: "post",
  path: "/label",
  summary: "添加标签",
  body: z.object({ name: LabelName, member_uids: MemberUids.default([]) }),
  data: doneAnd({ id: z.number().int() }),
  errors: ["label_taken"],
  async handle({ body, actor, ctx }) {
    const id = await createLabel(ctx, {
      userId: actor.userId,
      name: body.name,
      memberUids: body.member_uids,
    });
    return { ...done, id };
  },
});

export const list = endpoint({
  method: "get",
  path: "/label",
  summary: "标签列表",
  data: z.array(LabelResp),
  handle: async ({ actor, ctx }) =>
    (await listLabels(ctx, { userId: actor.userId })).map(labelResp),
});

export const edit = endpoint({
  method: "put",
  path: "/label/{id}",
  summary: "修改标签",
  description: "Replaces the name, and all members where they are given.",
  params: LabelParams,
  body: z.object({ name: LabelName, member_uids: MemberUids.optional() }),
  data: Done,
  errors: ["label_missing", "label_taken"],
  async handle({ params, body, actor, ctx }) {
    await editLabel(ctx, {
      userId: actor.userId,
      labelId: params.id,
      name: body.name,
      memberUids: body.member_uids,
    });
    return done;
  },
});

export const remove = endpoint({
  method: "delete",
  path: "/label/{id}",
  summary: "删除标签",
  params: LabelParams,
  data: Done,
  errors: ["label_missing"],
  async handle({ params, actor, ctx }) {
    await deleteLabel(ctx, { userId: actor.userId, labelId: params.id });
    return done;
  },
});

export const read = endpoint({
  method: "get",
  path: "/label/{id}",
  summary: "标签详情",
  params: LabelParams,
  data: LabelResp,
  errors: ["label_missing"],
  handle: async ({ params, actor, ctx }) =>
    labelResp(await readLabel(ctx, { userId: actor.userId, labelId: params.id })),
});
