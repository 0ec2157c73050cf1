import { z } from "zod";
import { addApp, type AppCredentials } from "../../db/domain/partners/add_app.ts";
import { disableApp } from "../../db/domain/partners/disable_app.ts";
import { editApp } from "../../db/domain/partners/edit_app.ts";
import { listApps, type ListedApp } from "../../db/domain/partners/reads.ts";
import { rotateSecret } from "../../db/domain/partners/rotate_secret.ts";
import {
  ADDRESS_COUNT_MAX,
  APP_NAME_LENGTH_MAX,
  APPS_START_MAX,
  CUSTOMER_PROOFS,
} from "../../db/domain/partners/rules.ts";
import { HexId, nameUpTo } from "../fields.ts";
import { pageOf, pageQuery, timeText } from "./fields.ts";
import { endpoint } from "./surface.ts";

const Credentials = z.object({
  appid: z.number().int(),
  appsecret: HexId.describe("Shown this once"),
});

function credentials({ appId, secret }: AppCredentials): z.input<typeof Credentials> {
  return { appid: appId, appsecret: secret };
}

const CustomerProof = z.enum(CUSTOMER_PROOFS).describe(
  "What `POST /auth/customer` asks of a customer it knows: `device`, one they came on before or a " +
    "proof; `always`, a proof; `never`, nothing",
);

const AppRecord = z.object({
  appid: z.number().int(),
  name: z.string(),
  house: z.boolean().describe("Speaks for the house: its users and groups are ours"),
  addresses: z.array(z.string()).nullable().describe("Where its server may call from; null: any"),
  customer_proof: CustomerProof,
  created_at: z.string(),
  disabled_at: z.string().nullable(),
});

function appRecord(app: ListedApp): z.input<typeof AppRecord> {
  return {
    appid: app.id,
    name: app.name,
    house: app.isHouse,
    addresses: app.addresses,
    customer_proof: app.customerProof,
    created_at: timeText(app.createdAt),
    disabled_at: app.disabledAt && timeText(app.disabledAt),
  };
}

const AppParams = z.object({
  appid: z.coerce.number().int().positive().max(Number.MAX_SAFE_INTEGER),
});

export const add = endpoint({
  method: "post",
  path: "/v1/apps",
  summary: "Make a partner app",
  needs: "apps.manage",
  body: z.object({
    name: nameUpTo(APP_NAME_LENGTH_MAX),
    house: z.boolean().default(false)
      .describe("It speaks for the house: our users and groups, all of them"),
    addresses: z.array(z.union([z.ipv4(), z.ipv6()])).min(1).max(ADDRESS_COUNT_MAX).nullish()
      .describe("Addresses its server may call from; absent: any"),
    customer_proof: CustomerProof.default("device"),
  }),
  data: Credentials.extend({ name: z.string() }),
  async handle({ body, actor, ctx }) {
    const made = await addApp(ctx, {
      name: body.name,
      isHouse: body.house,
      addresses: body.addresses ?? null,
      customerProof: body.customer_proof,
      actor,
    });
    return { ...credentials(made), name: body.name };
  },
});

export const list = endpoint({
  method: "get",
  path: "/v1/apps",
  summary: "List partner apps",
  description: "Newest first, disabled ones too.",
  needs: "apps.manage",
  query: pageQuery(APPS_START_MAX),
  data: pageOf(AppRecord),
  async handle({ query, ctx }) {
    const { total, items } = await listApps(ctx, query);
    return { total, items: items.map(appRecord) };
  },
});

export const edit = endpoint({
  method: "patch",
  path: "/v1/apps/{appid}",
  summary: "Change what an app asks of its customers",
  description: "From the next call on. The same again is no change.",
  needs: "apps.manage",
  params: AppParams,
  body: z.object({ customer_proof: CustomerProof }),
  data: AppRecord,
  errors: ["app_missing"],
  handle: async ({ params, body, actor, ctx }) =>
    appRecord(
      await editApp(ctx, { appId: params.appid, customerProof: body.customer_proof, actor }),
    ),
});

export const rotate = endpoint({
  method: "post",
  path: "/v1/apps/{appid}/rotate",
  summary: "Give an app a new secret",
  description: "The one it had stays good beside it until the next time.",
  needs: "apps.manage",
  params: AppParams,
  data: Credentials,
  errors: ["app_missing"],
  handle: async ({ params, actor, ctx }) =>
    credentials(await rotateSecret(ctx, { appId: params.appid, actor })),
});

export const disable = endpoint({
  method: "post",
  path: "/v1/apps/{appid}/disable",
  summary: "Disable an app, its server and all its clients, at once",
  description: "Disabled again, nothing happens.",
  needs: "apps.manage",
  params: AppParams,
  data: AppRecord,
  errors: ["app_missing"],
  handle: async ({ params, actor, ctx }) =>
    appRecord(await disableApp(ctx, { appId: params.appid, actor })),
});
