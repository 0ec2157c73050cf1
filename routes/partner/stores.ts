import { z } from "zod";
import { type ListedStore, listStores } from "../../db/domain/partners/reads.ts";
import { NAME_LENGTH_MAX, SELLER_COUNT_MAX } from "../../db/domain/partners/rules.ts";
import { addStore, setSellers } from "../../db/domain/support/stores.ts";
import { textUpTo } from "../fields.ts";
import { AnsweredUid, asServer, Id, Nothing, nothing, peopleUpTo } from "./fields.ts";
import { endpoint } from "./surface.ts";

const Sellers = peopleUpTo(SELLER_COUNT_MAX)
  .describe("客服, in order. The name and picture are the person's; left out, they stay");

export const add = endpoint({
  method: "post",
  path: "/stores",
  summary: "Open a desk where customers are helped (咨询台)",
  description: "Customers of `/auth/customer` get the oldest. Not in the contract.",
  by: "server",
  body: z.object({
    name: textUpTo(NAME_LENGTH_MAX).transform((name) => name.toWellFormed()),
    sellers: Sellers.default([]),
  }),
  data: z.object({ store_id: z.number().int() }),
  errors: ["app_missing", "user_missing"],
  async handle({ body, actor, ctx }) {
    const { appId } = asServer(actor);
    return { store_id: await addStore(ctx, { appId, name: body.name, people: body.sellers }) };
  },
});

const Store = z.object({
  store_id: z.number().int(),
  name: z.string(),
  sellers: z.array(z.object({ uid: AnsweredUid, name: z.string(), avatar: z.string() })),
});

function storeOf({ storeId, name, sellers }: ListedStore): z.input<typeof Store> {
  return {
    store_id: storeId,
    name,
    sellers: sellers.map(({ appUid, name, avatar }) => ({ uid: appUid, name, avatar })),
  };
}

export const list = endpoint({
  method: "get",
  path: "/stores",
  summary: "List the app's desks, the oldest first",
  description: "Not in the contract.",
  by: "server",
  data: z.array(Store),
  handle: async ({ actor, ctx }) =>
    (await listStores(ctx, { appId: asServer(actor).appId })).map(storeOf),
});

export const assignSellers = endpoint({
  method: "put",
  path: "/stores/{store_id}/sellers",
  summary: "Replace everybody at a desk",
  description: "A customer whose helper is gone gets another one. Not in the contract.",
  by: "server",
  params: z.object({ store_id: Id }),
  body: z.object({ sellers: Sellers }),
  data: Nothing,
  errors: ["store_missing", "user_missing"],
  async handle({ params, body, actor, ctx }) {
    const { appId } = asServer(actor);
    await setSellers(ctx, { appId, storeId: params.store_id, people: body.sellers });
    return nothing;
  },
});
