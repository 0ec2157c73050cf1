import { z } from "zod";
import { addUsers } from "../../db/domain/users/add_users.ts";
import { changeUsers } from "../../db/domain/users/change_users.ts";
import { deleteUsers } from "../../db/domain/users/delete_users.ts";
import { endpoint } from "./surface.ts";
import {
  bulkOf,
  Mobile,
  Name,
  StatusInput,
  Uid,
  UserEdit,
  UserRecord,
  userRecord,
} from "./user_fields.ts";

const Users = z.object({ users: z.array(UserRecord) });

export const add = endpoint({
  method: "post",
  path: "/v1/admin/users-bulk",
  summary: "Add people",
  description: "All of them or nobody.",
  needs: "users.change",
  body: z.object({
    users: bulkOf(z.object({
      name: Name,
      mobile: Mobile,
      exchanger: z.boolean().default(false),
      status: StatusInput.refine((status) => status !== 4, {
        message: "不能添加已删除的用户",
        params: { english: "Nobody is added as deleted" },
      }).default(1),
    })),
  }),
  data: Users,
  errors: ["account_exists"],
  async handle({ body, actor, ctx }) {
    const users = await addUsers(ctx, { actor, added: body.users });
    return { users: users.map((user) => userRecord(user, actor)) };
  },
});

export const update = endpoint({
  method: "put",
  path: "/v1/admin/users-bulk",
  summary: "Change people",
  description: "All of them or nobody, each as by themselves.",
  needs: "users.change",
  body: z.object({ users: bulkOf(UserEdit.extend({ uid: Uid })) }),
  data: Users,
  errors: ["user_missing", "account_exists"],
  async handle({ body, actor, ctx }) {
    const changes = body.users.map(({ uid: userId, ...edit }) => ({ userId, ...edit }));
    const users = await changeUsers(ctx, { actor, changes });
    return { users: users.map((user) => userRecord(user, actor)) };
  },
});

export const remove = endpoint({
  method: "delete",
  path: "/v1/admin/users-bulk",
  summary: "Delete people",
  description: "Each as by themselves; ids nobody has are left out of the answer.",
  needs: "users.change",
  body: z.object({ uids: bulkOf(Uid) }),
  data: z.object({ uids: z.array(z.string()) }),
  async handle({ body, actor, ctx }) {
    const deletedIds = await deleteUsers(ctx, { actor, userIds: body.uids });
    return { uids: deletedIds.map(String) };
  },
});
