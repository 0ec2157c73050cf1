import { z } from "zod";
import { DomainError } from "../../db/domain/errors.ts";
import { changeUsers } from "../../db/domain/users/change_users.ts";
import { deleteUsers } from "../../db/domain/users/delete_users.ts";
import { listUsers, readUser } from "../../db/domain/users/managed_reads.ts";
import { endpoint } from "./surface.ts";
import {
  pageFields,
  placeOf,
  StatusFilter,
  UidParams,
  UserEdit,
  UserRecord,
  userRecord,
} from "./user_fields.ts";

export const list = endpoint({
  method: "get",
  path: "/v1/admin/users",
  summary: "List people",
  description: "Newest first. `page` × `per_page` is at most 10000.",
  needs: "users.read",
  query: z.object({
    exchanger: z.boolean().optional().describe("Absent: both"),
    status: StatusFilter,
    ...pageFields,
  }),
  data: z.object({
    list: z.array(UserRecord),
    meta: z.object({
      page: z.number().int(),
      limit: z.number().int(),
      total: z.number().int(),
    }),
  }),
  async handle({ query: { exchanger, status, ...page }, actor, ctx }) {
    const place = placeOf(page);
    const { total, users } = await listUsers(ctx, { exchanger, status, ...place });
    return {
      list: users.map((user) => userRecord(user, actor)),
      meta: { page: page.page, limit: place.limit, total },
    };
  },
});

export const read = endpoint({
  method: "get",
  path: "/v1/admin/users/{uid}",
  summary: "Show a person",
  needs: "users.read",
  params: UidParams,
  data: UserRecord,
  errors: ["user_missing"],
  handle: async ({ params, actor, ctx }) => userRecord(await readUser(ctx, params.uid), actor),
});

export const update = endpoint({
  method: "put",
  path: "/v1/admin/users/{uid}",
  summary: "Change a person",
  description:
    "What is not given stays. Status 3 and 4 end all of their sessions at once; a deleted person " +
    "given another status is back. An empty mobile takes the number away.",
  needs: "users.change",
  params: UidParams,
  body: UserEdit,
  data: UserRecord,
  errors: ["user_missing", "account_exists"],
  async handle({ params, body, actor, ctx }) {
    const changes = [{ userId: params.uid, ...body }];
    const [user] = await changeUsers(ctx, { actor, changes });
    return userRecord(user!, actor);
  },
});

export const remove = endpoint({
  method: "delete",
  path: "/v1/admin/users/{uid}",
  summary: "Delete a person",
  description:
    "All of their sessions end at once. Their number stays theirs: nobody can register with it " +
    "until it is taken away from them. Deleted again, nothing happens.",
  needs: "users.change",
  params: UidParams,
  data: z.object({ uid: z.string() }),
  errors: ["user_missing"],
  async handle({ params, actor, ctx }) {
    const [deletedId] = await deleteUsers(ctx, { actor, userIds: [params.uid] });
    if (deletedId === undefined) throw new DomainError("user_missing");
    return { uid: String(deletedId) };
  },
});
