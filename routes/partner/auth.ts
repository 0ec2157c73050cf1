import { z } from "zod";
import { grantToken } from "../../db/domain/partners/grant_token.ts";
import { revokeToken } from "../../db/domain/partners/revoke_token.ts";
import { CUSTOMER_ID_LENGTH_MAX } from "../../db/domain/partners/rules.ts";
import { logCustomerIn } from "../../db/domain/support/customers.ts";
import { readBearer } from "../../middleware/authorization.ts";
import { perAddress } from "../../middleware/rate_limit.ts";
import { isUpTo, Text } from "../fields.ts";
import {
  AnsweredUid,
  asServer,
  Id,
  Nothing,
  nothing,
  OptionalAvatar,
  OptionalName,
  optionalText,
  Uid,
} from "./fields.ts";
import { endpoint, openEndpoint } from "./surface.ts";

const DEVICE_ID_LENGTH_MAX = 256;
const PROOF_LENGTH_MAX = 256;

const PlatformId = z.union([z.number(), z.string().regex(/^\d{0,3}$/)]).nullish()
  .describe("平台id,1:ios, 2:android, 3:web. Changes nothing");
const DeviceId = optionalText(DEVICE_ID_LENGTH_MAX);

/** As it was sent, blanks and all: it is somebody else's. */
const CustomerId = Text.transform((id) => id.toWellFormed()).refine(
  ...isUpTo(CUSTOMER_ID_LENGTH_MAX),
).nullish().transform((id) => id || undefined);

const Token = z.string().regex(/^[a-f0-9]{64}$/);

export const grant = endpoint({
  method: "post",
  path: "/auth/grant",
  summary: "第三方应用获取永久有效的access token",
  description: "The token never runs out; granting again answers the same one. A person the app " +
    "has not named before is made; an app of the house can only name who is there.",
  by: "server",
  body: z.object({
    uid: Uid,
    user_name: OptionalName,
    platform_id: PlatformId,
    // One token serves all of a person's devices.
    device_id: DeviceId.describe("设备id. Changes nothing"),
  }),
  data: z.object({ token: Token }),
  errors: ["user_missing", "account_frozen"],
  async handle({ body, actor, ctx }) {
    const { appId, tenantId } = asServer(actor);
    const person = { appId, tenantId, appUid: body.uid, name: body.user_name };
    return { token: await grantToken(ctx, person) };
  },
});

const WHO_A_CUSTOMER_IS =
  "Without a `customer_id` a new person each time; an id never seen is a new customer. One the app " +
  "has already is let in with a `device_id` they came on before, or with a proof: the server's " +
  "`Basic`, `sign`, or the token they have (as `Bearer`, or `token`). **Whoever has never given a " +
  "device is let in by the id alone: where ids can be guessed (numbers, phone numbers, addresses), " +
  "anybody can take such a customer over and read what they wrote. Send `sign`, and set the app's " +
  '`customer_proof` to `"always"`.** ' +
  "`always` asks a proof of every customer there is, `never` asks none and looks at none but " +
  "`Basic`. A proof that does not hold is refused for new ids too. Without a proof or a device of " +
  "theirs nobody is renamed; a proof makes the device theirs and forgets those that came without " +
  "one. At most 20 a minute from one address; with `Basic`, the server's own rate. Apps of the " +
  "house have no customers.";

export const logIn = openEndpoint({
  method: "post",
  path: "/auth/customer",
  summary: "获取认证token",
  description: WHO_A_CUSTOMER_IS,
  refusal: "customer_proof_needed",
  body: z.object({
    appid: Id,
    customer_id: CustomerId,
    name: OptionalName,
    avatar: OptionalAvatar,
    platform_id: PlatformId,
    device_id: DeviceId.describe("设备id, by which the customer is known again"),
    sign: optionalText(PROOF_LENGTH_MAX).describe(
      "Ours: lower hex HMAC-SHA256 of the `customer_id`, under the `appsecret`. The app's server " +
        "makes it; an `appsecret` in a client is everybody's",
    ),
    token: optionalText(PROOF_LENGTH_MAX)
      .describe("Ours: the token the customer has, for clients that send no `Authorization`"),
  }),
  data: z.object({
    token: Token,
    store_id: z.number().int().describe("咨询台id: the app's first"),
    client_id: AnsweredUid.describe("客户id: the customer's number in the app"),
  }),
  errors: [
    "app_missing",
    "store_missing",
    "account_frozen",
    "customer_proof_needed",
    "customer_sign_unready",
  ],
  rate: perAddress(20, "1 min"),
  async handle({ body, actor, ctx, headers }) {
    const { token, storeId, appUid } = await logCustomerIn(ctx, {
      appId: body.appid,
      customerId: body.customer_id,
      name: body.name,
      avatar: body.avatar,
      deviceId: body.device_id,
      proofs: {
        isServer: actor && asServer(actor).appId === body.appid,
        sign: body.sign,
        tokens: [readBearer(headers), body.token].filter((token) => token !== undefined),
      },
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
  body: z.object({ uid: Uid }),
  data: Nothing,
  async handle({ body, actor, ctx }) {
    await revokeToken(ctx, { tenantId: actor.tenantId, appUid: body.uid });
    return nothing;
  },
});
