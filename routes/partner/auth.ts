import { z } from "zod";
import { grantToken } from "../../db/domain/partners/grant_token.ts";
import { revokeToken } from "../../db/domain/partners/revoke_token.ts";
import { CUSTOMER_ID_LENGTH_MAX } from "../../db/domain/partners/rules.ts";
import { logCustomerIn } from "../../db/domain/support/customers.ts";
import { perAddress } from "../../middleware/rate_limit.ts";
import { Text } from "../fields.ts";
import {
  asServer,
  Id,
  Nothing,
  nothing,
  OptionalAvatar,
  OptionalName,
  optionalText,
} from "./fields.ts";
import { endpoint, openEndpoint } from "./surface.ts";

const DEVICE_ID_LENGTH_MAX = 256;

/** One token serves all of a person's devices, so what it is asked for on changes nothing. */
const deviceShape = {
  platform_id: z.union([z.number(), z.string().regex(/^\d{0,3}$/)]).nullish()
    .describe("平台id,1:ios, 2:android, 3:web. Changes nothing"),
  device_id: optionalText(DEVICE_ID_LENGTH_MAX).describe("设备id. Changes nothing"),
};

/** As it was sent, blanks and all: it is somebody else's. */
const CustomerId = Text.transform((id) => id.toWellFormed()).refine(
  (id) => [...id].length <= CUSTOMER_ID_LENGTH_MAX,
  { message: `不能超过${CUSTOMER_ID_LENGTH_MAX}个字` },
).nullish().transform((id) => id || undefined);

const Token = z.string().regex(/^[a-f0-9]{64}$/);

export const grant = endpoint({
  method: "post",
  path: "/auth/grant",
  summary: "第三方应用获取永久有效的access token",
  description: "The token never runs out; granting again answers the same one. A person the app " +
    "has not named before is made; an app of the house can only name who is there.",
  by: "server",
  body: z.object({ uid: Id, user_name: OptionalName, ...deviceShape }),
  data: z.object({ token: Token }),
  errors: ["user_missing", "account_frozen"],
  async handle({ body, actor, ctx }) {
    const { appId, tenantId } = asServer(actor);
    const person = { appId, tenantId, appUid: body.uid, name: body.user_name };
    return { token: await grantToken(ctx, person) };
  },
});

export const logIn = openEndpoint({
  method: "post",
  path: "/auth/customer",
  summary: "获取认证token",
  description: "Without a `customer_id` a new person each time. Apps of the house have no " +
    "customers.",
  body: z.object({
    appid: Id,
    customer_id: CustomerId,
    name: OptionalName,
    avatar: OptionalAvatar,
    ...deviceShape,
  }),
  data: z.object({
    token: Token,
    store_id: z.number().int().describe("咨询台id: the app's first"),
    client_id: z.number().int().describe("客户id: the customer's number in the app"),
  }),
  errors: ["app_missing", "store_missing", "account_frozen"],
  rate: perAddress(20, "1 min"),
  async handle({ body, ctx }) {
    const { token, storeId, appUid } = await logCustomerIn(ctx, {
      appId: body.appid,
      customerId: body.customer_id,
      name: body.name,
      avatar: body.avatar,
    });
    return { token, store_id: storeId, client_id: appUid };
  },
});

export const revoke = endpoint({
  method: "post",
  path: "/auth/revoke",
  summary: "End somebody's token",
  description: "At once, its sockets too; the next grant answers another one. Not in the contract.",
  by: "server",
  body: z.object({ uid: Id }),
  data: Nothing,
  async handle({ body, actor, ctx }) {
    await revokeToken(ctx, { tenantId: actor.tenantId, appUid: body.uid });
    return nothing;
  },
});
