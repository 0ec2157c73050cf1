import { z } from "zod";
import { searchUsersByName } from "../../db/domain/users/managed_reads.ts";
import { NICKNAME_LENGTH_MAX } from "../../db/domain/users/rules.ts";
import { isUpTo } from "../fields.ts";
import { endpoint } from "./surface.ts";
import { pageFields, placeOf } from "./user_fields.ts";

export const search = endpoint({
  method: "get",
  path: "/v1/admin/userfuzzysearch",
  summary: "Find people by a part of their name",
  description:
    "Newest first, not the deleted ones. `total` is counted up to 10000, and so is what can be " +
    "paged through.",
  needs: "users.read",
  code: 200,
  query: z.object({
    nick: z.string().refine((nick) => nick.trim() !== "").refine(...isUpTo(NICKNAME_LENGTH_MAX))
      .describe("Letters in any case"),
    ...pageFields,
  }),
  data: z.object({
    list: z.array(z.object({ uid: z.number().int(), nick: z.string() })),
    total: z.number().int(),
  }),
  async handle({ query: { nick, ...page }, ctx }) {
    const { total, users } = await searchUsersByName(ctx, { part: nick, ...placeOf(page) });
    return { list: users.map(({ id, name }) => ({ uid: id, nick: name })), total };
  },
});
