import { and, eq, sql } from "drizzle-orm";
import assert from "node:assert/strict";
import { createHmac } from "node:crypto";
import { md5Hex } from "../../../config/keys.ts";
import { hashDevice } from "../../../db/domain/support/customer_devices.ts";
import { refreshApp } from "../../../db/domain/partners/app_cache.ts";
import { apps, customerDevices, type CustomerProof, customers } from "../../../db/schema/apps.ts";
import { users } from "../../../db/schema/users.ts";
import { askOps, makeOperator } from "../../clients/ops.ts";
import {
  askPartner,
  basicOf,
  callPartner,
  makeApp,
  type PartnerCall,
  type TestPartner,
} from "../../clients/partner.ts";
import { startTestApp, type TestApp } from "../../harness.ts";
import { askPaths } from "./customer_paths.ts";

const CUSTOMER = "POST /auth/customer";
const NEEDED = "该客户已存在，需要签名、旧凭证或服务端凭证";
const UNREADY = "应用密钥需先轮换一次，才能使用签名";

const signOf = (secret: string, customerId: string) =>
  createHmac("sha256", secret).update(customerId).digest("hex");

/** An app with a desk. */
async function open(app: TestApp, customerProof: CustomerProof, more: { old?: true } = {}) {
  const partner = await makeApp(app.ctx, { customerProof, ...more });
  await askPartner(app, "POST /stores", { basic: partner.basic, body: { name: "Desk" } });
  return partner;
}

const come = (app: TestApp, { appId }: TestPartner, call: PartnerCall) =>
  callPartner(app, CUSTOMER, { ...call, body: { appid: appId, ...call.body as object } });

function assertRefused(answer: Awaited<ReturnType<typeof come>>, text = NEEDED): void {
  assert.equal(answer.http, 400, JSON.stringify(answer.envelope));
  assert.deepEqual(answer.envelope, { meta: { code: 400, message: text }, error: text });
}

/** Somebody's name, and their devices of those that are called A to F, `!` behind what is proven. */
async function readCustomer({ ctx }: TestApp, { appId }: TestPartner, customerId: string) {
  const [customer] = await ctx.db.select({ id: users.id, name: users.nickname }).from(customers)
    .innerJoin(users, eq(users.id, customers.userId))
    .where(and(eq(customers.appId, appId), eq(customers.customerId, customerId)));
  if (!customer) return undefined;
  const kept = await ctx.db.select().from(customerDevices)
    .where(eq(customerDevices.userId, customer.id));
  const devices = [..."ABCDEF"].flatMap((deviceId) => {
    const hash = hashDevice(ctx.config.keys, { appId, customerId, deviceId });
    return kept.filter(({ deviceHash }) => deviceHash === hash)
      .map(({ isProven }) => `${deviceId}${isProven ? "!" : ""}`);
  });
  assert.equal(devices.length, kept.length);
  return { name: customer.name, devices };
}

Deno.test("POST /auth/customer lets in whom the app's rule says, and nobody else", async (t) => {
  await using app = await startTestApp();
  const partners = {
    device: await open(app, "device"),
    always: await open(app, "always"),
    never: await open(app, "never"),
  };
  const stranger = await open(app, "device");
  const { token: othersToken } = (await come(app, partners.device, {
    body: { customer_id: "somebody else" },
  })).data;

  for (const [at, path] of askPaths.entries()) {
    await t.step(`${path.asked}: ${path.says}`, async () => {
      const partner = partners[path.asked];
      const customer_id = `c-${at}`;
      const proofs: Record<string, PartnerCall & { body?: object }> = {
        basic: { basic: partner.basic },
        "basic of another app": { basic: stranger.basic },
        "basic with a wrong secret": { basic: basicOf(partner.appId, "0".repeat(32)) },
        sign: { body: { sign: signOf(partner.secret, customer_id) } },
        "sign of another id": { body: { sign: signOf(partner.secret, "c") } },
        "sign of another app": { body: { sign: signOf(stranger.secret, customer_id) } },
        "sign with the MD5": { body: { sign: signOf(md5Hex(partner.secret), customer_id) } },
        "token of another": { body: { token: othersToken } },
        "bearer of another": { bearer: othersToken },
      };
      let first: { token: string; client_id: number } | undefined;
      for (const { with: proof, ...device } of path.before) {
        const { body = {}, ...credentials } = proof ? proofs[proof]! : {};
        const call = { ...credentials, body: { customer_id, name: "Anna", ...device, ...body } };
        const answer = await come(app, partner, call);
        assert.equal(answer.http, 200, JSON.stringify(answer.envelope));
        first ??= answer.data;
        proofs.token = { body: { token: answer.data.token } };
        proofs.bearer = { bearer: answer.data.token };
      }
      const before = await readCustomer(app, partner, customer_id);
      const { with: given = [], ...device } = path.call;
      const call = { body: { customer_id, name: "Mallory", ...device } };
      for (const one of given) {
        const { body = {}, ...credentials } = proofs[one]!;
        Object.assign(call, credentials, { body: { ...call.body, ...body } });
      }
      const answer = await come(app, partner, call);
      const after = await readCustomer(app, partner, customer_id);
      if (path.then === "refused") {
        assertRefused(answer);
        assert.deepEqual(after, before, "nothing has changed");
        return;
      }
      assert.equal(answer.http, 200, JSON.stringify(answer.envelope));
      if (first) assert.deepEqual(answer.data, first, "the same customer, token and all");
      assert.deepEqual(after, path.then);
    });
  }
});

Deno.test("a proof takes a customer back from whoever came first on a device", async () => {
  await using app = await startTestApp();
  const partner = await open(app, "device");
  const sign = signOf(partner.secret, "c");
  const on = (device_id: string | undefined, more: object = {}) =>
    come(app, partner, { body: { customer_id: "c", device_id, ...more } });
  await on("A");
  assert.equal((await on("A")).http, 200);
  assert.equal((await on("B", { sign })).http, 200);
  assertRefused(await on("A"));
  assert.equal((await on("B")).http, 200, "theirs from then on");
  await on(undefined, { sign });
  assertRefused(await on(undefined));
});

Deno.test("whose only device came without a proof is not left open by a proof without one", async () => {
  await using app = await startTestApp();
  const partner = await open(app, "device");
  const body = { customer_id: "c" };
  await come(app, partner, { body: { ...body, device_id: "A" } });
  await come(app, partner, { body: { ...body, sign: signOf(partner.secret, "c") } });
  assert.deepEqual((await readCustomer(app, partner, "c"))!.devices, []);
  assertRefused(await come(app, partner, { body }));
  assertRefused(await come(app, partner, { body: { ...body, device_id: "A" } }));
});

Deno.test("of a customer's devices the newest twenty are remembered, hashed", async () => {
  await using app = await startTestApp();
  const partner = await open(app, "device");
  const on = (at: number, more: object = {}) =>
    come(app, partner, { body: { customer_id: "c", device_id: `device ${at}`, ...more } });
  const sign = signOf(partner.secret, "c");
  for (let at = 0; at < 22; at++) {
    app.clock.advance(1_000);
    assert.equal((await on(at, { sign })).http, 200);
  }
  assert.deepEqual(
    await Promise.all([0, 1, 2, 21].map(async (at) => (await on(at)).http)),
    [400, 400, 200, 200],
  );
  const { rows } = await app.ctx.db.execute(sql`select * from customer_devices`);
  assert.equal(rows.length, 20);
  assert.ok(!JSON.stringify(rows).includes("device 2"));
});

Deno.test("an ended token proves nothing", async () => {
  await using app = await startTestApp();
  const partner = await open(app, "always");
  const first = await come(app, partner, { body: { customer_id: "c" } });
  const { token, client_id } = first.data;
  assert.equal((await come(app, partner, { bearer: token, body: { customer_id: "c" } })).http, 200);
  await askPartner(app, "POST /auth/revoke", { basic: partner.basic, body: { uid: client_id } });
  assertRefused(await come(app, partner, { bearer: token, body: { customer_id: "c" } }));
});

Deno.test("a token of a server's key that is no more proves it, and is replaced", async () => {
  await using app = await startTestApp({ env: { SECRET_KEY: "1".repeat(32) } });
  const partner = await open(app, "always");
  const body = { customer_id: "c" };
  const first = (await come(app, partner, { body })).data;
  await using later = await startTestApp({
    env: { SECRET_KEY: "3".repeat(32), SECRET_KEY_PREVIOUS: "2".repeat(32) },
    database: app.database,
    redis: app.redis,
  });
  const { http, data } = await come(later, partner, { bearer: first.token, body });
  assert.deepEqual([http, data.client_id], [200, first.client_id]);
  assert.notEqual(data.token, first.token);
  assertRefused(await come(later, partner, { bearer: first.token, body }));
});

Deno.test("an app that was there before it could be asked asks nothing", async () => {
  await using app = await startTestApp();
  const { rows } = await app.ctx.db.execute(sql`
    insert into apps (name, secret_hash, created_at) values ('a', 's', now())
    returning customer_proof, secret_sealed`);
  assert.deepEqual(rows, [{ customer_proof: "never", secret_sealed: null }]);
});

Deno.test("without an id nobody is anybody, whatever comes along", async () => {
  await using app = await startTestApp();
  const partner = await open(app, "always");
  const { token } = (await come(app, partner, { body: {} })).data;
  const ids = await Promise.all([{}, { token }, { sign: "0" }, { device_id: "A" }]
    .map(async (body) => (await come(app, partner, { body })).data.client_id));
  assert.equal(new Set(ids).size, 4);
  assert.equal(await app.ctx.db.$count(customerDevices), 0);
});

Deno.test("`sign` needs a secret that is kept, and both are good through a rotation", async () => {
  await using app = await startTestApp();
  const { token } = await makeOperator(app.ctx, "admin");
  const partner = await open(app, "device", { old: true });
  const rotate = async (): Promise<string> =>
    (await askOps(app, "POST /v1/apps/{appid}/rotate", {
      token,
      params: { appid: String(partner.appId) },
    })).appsecret;
  const signedBy = (secret: string, customer_id = "c") =>
    come(app, partner, { body: { customer_id, sign: signOf(secret, customer_id) } });
  assertRefused(await signedBy(partner.secret), UNREADY);
  const byServer = { customer_id: "c", sign: signOf(partner.secret, "c") };
  assert.equal((await come(app, partner, { basic: partner.basic, body: byServer })).http, 200);
  const second = await rotate();
  assert.equal((await signedBy(second)).http, 200);
  assertRefused(await signedBy(partner.secret));
  const third = await rotate();
  assert.equal((await signedBy(second)).http, 200);
  assert.equal((await signedBy(third)).http, 200);
  await rotate();
  assertRefused(await signedBy(second));
  assertRefused(await signedBy(second, "new"));
  const [row] = await app.ctx.db.select().from(apps).where(eq(apps.id, partner.appId));
  assert.ok(row!.secretSealed && row!.secretSealedPrevious);
  assert.ok(![second, third].some((secret) => JSON.stringify(row).includes(secret)));
});

Deno.test("an app's server proves it from its own addresses, at its own rate", async () => {
  await using app = await startTestApp({ env: { RATE_FACTOR: "1" } });
  const partner = await open(app, "always");
  const body = { customer_id: "c" };
  const statuses = async (call: PartnerCall) => {
    const seen: number[] = [];
    for (let at = 0; at < 21; at++) seen.push((await come(app, partner, call)).http);
    return seen;
  };
  assert.deepEqual(await statuses({ basic: partner.basic, body }), Array(21).fill(200));
  const token = (await come(app, partner, { basic: partner.basic, body })).data.token;
  assert.deepEqual(await statuses({ bearer: token, body }), [...Array(20).fill(200), 429]);
  await app.ctx.db.update(apps).set({ addresses: ["203.0.113.7"] })
    .where(eq(apps.id, partner.appId));
  await refreshApp(app.ctx, partner.appId);
  assertRefused(await come(app, partner, { basic: partner.basic, body }));
});
