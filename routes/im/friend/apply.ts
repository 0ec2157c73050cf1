import { z } from "zod";
import { ApplyState, deleteApply, listApplies } from "../../../db/domain/friends/applies.ts";
import { HexId } from "../../fields.ts";
import { Done, done, timeText } from "../fields.ts";
import { endpoint } from "../surface.ts";
import { UidParams } from "../user_fields.ts";

/** The web client asks for 999. */
const PAGE_SIZE_MAX = 1_000;
const positive = (fallback: number) =>
  z.coerce.number().int().positive().catch(fallback).default(fallback);

export const list = endpoint({
  method: "get",
  path: "/friend/apply",
  summary: "好友申请列表",
  description:
    "Not in the contract. Requests to the caller, newest first; those that ran out are " +
    "left out.",
  query: z.object({
    page_index: positive(1),
    page_size: positive(PAGE_SIZE_MAX).transform((size) => Math.min(size, PAGE_SIZE_MAX)),
  }),
  data: z.array(z.object({
    id: z.number().int(),
    uid: HexId.describe("The caller"),
    to_uid: HexId.describe("Who asks"),
    to_name: z.string(),
    remark: z.string(),
    status: z.literal(Object.values(ApplyState)).describe("0 open, 1 accepted, 2 refused"),
    token: z.string().describe("Accepts it; empty once that is over"),
    created_at: z.string(),
  })),
  async handle({ query: { page_index: page, page_size: pageSize }, actor, ctx }) {
    const applies = await listApplies(ctx, { userId: actor.userId, page, pageSize });
    return applies.map((apply) => ({
      id: apply.id,
      uid: actor.uid,
      to_uid: apply.uid,
      to_name: apply.name,
      remark: apply.remark,
      status: apply.state,
      token: apply.token,
      created_at: timeText(apply.createdAt),
    }));
  },
});

export const remove = endpoint({
  method: "delete",
  path: "/friend/apply/{uid}",
  summary: "删除好友申请",
  description:
    "Not in the contract. By the applicant's uid; its token is worth nothing any more, " +
    "and the applicant hears nothing. An unknown one is fine.",
  params: UidParams,
  data: Done,
  async handle({ params, actor, ctx }) {
    await deleteApply(ctx, { userId: actor.userId, uid: params.uid });
    return done;
  },
});
