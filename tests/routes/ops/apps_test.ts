import { and, asc, eq, isNull, sql } from "drizzle-orm";
import assert from "node:assert/strict";
import { unseal } from "../../../config/runtime/sealed.ts";
import { apps } from "../../../db/schema/apps.ts";
import { operatorActions } from "../../../db/schema/operators.ts";
import { sessions } from "../../../db/schema/sessions.ts";
import {
  askOps,
  assertNeedsOperator,
  assertOpsFailure,
  callOps,
  makeOperator,
} from "../../clients/ops.ts";
import {
  askPartner,
  assertPartnerFailure,
  basicOf,
  callPartner,
  grantToken,
  makeApp,
  REFUSED_TEXT,
} from "../../clients/partner.ts";
import { startTestApp, type TestApp } from "../../harness.ts";
import { makeUser } from "../../people/factories.ts";

const ADD = "POST /v1/apps";
const LIST = "GET /v1/apps";
const EDIT = "PATCH /v1/apps/{appid}";
const ROTATE = "POST /v1/apps/{appid}/rotate";
const DISABLE = "POST /v1/apps/{appid}/disable";
const INVALID = { http: 400, code: 4001 };
const MISSING = { http: 404, code: 4004, msg: "请求资源不存在" };
/** RFC 3339 in UTC+8. */
const TIME = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}\+08:00$/;
/** Those who may not do any of this. */
const refused = ["operator", "auditor"] as const;

const actionsOf = ({ ctx }: TestApp, appId: number) =>
  ctx.db.select().from(operatorActions).where(eq(operatorActions.target, `app:${appId}`))
    .orderBy(asc(operatorActions.id));

/** Whether a server is let in, by something that costs it nothing. */
async function mayCall(app: TestApp, appId: number, secret: string): Promise<boolean> {
  const answer = await callPartner(app, "GET /stores", { basic: basicOf(appId, secret) });
  if (answer.http !== 200) assertPartnerFailure(answer, REFUSED_TEXT);
  return answer.http === 200;
}

async function mayAsk(app: TestApp, bearer: string): Promise<boolean> {
  const answer = await callPartner(app, "GET /supporters", { bearer, query: { store_id: "1" } });
  return answer.envelope.meta.message !== REFUSED_TEXT;
}

Deno.test("POST /v1/apps", async (t) => {
  await using app = await startTestApp();
  const { token, operatorId } = await makeOperator(app.ctx, "admin");

  await t.step("makes an app whose secret is told this once, and works at once", async () => {
    // Somebody has tried the number, so it is remembered that nobody has it.
    assert.equal(await mayCall(app, 1001, "0".repeat(32)), false);
    const made = await askOps(app, ADD, { token, body: { name: "Partner" } });
    assert.deepEqual(Object.keys(made), ["appid", "appsecret", "name"]);
    assert.deepEqual([made.appid, made.name], [1001, "Partner"]);
    assert.match(made.appsecret, /^[a-f0-9]{32}$/);
    assert.ok(await mayCall(app, made.appid, made.appsecret));
    const [row] = await app.ctx.db.select().from(apps).where(eq(apps.id, made.appid));
    assert.ok(!JSON.stringify(row).includes(made.appsecret));
    const [action, ...more] = await actionsOf(app, made.appid);
    assert.deepEqual(more, []);
    assert.deepEqual([action!.action, action!.operatorId], ["apps.add", operatorId]);
    const { secretHash, secretSealed, customerProof } = row!;
    const given = { name: "Partner", isHouse: false, addresses: null, customerProof: "device" };
    assert.deepEqual([action!.after, customerProof], [given, "device"]);
    const sealedTo = `apps.secret:${secretHash}`;
    assert.equal(unseal(app.config.keys, secretSealed!, sealedTo), made.appsecret);
  });

  await t.step("can make one that speaks for the house", async () => {
    const house = await askOps(app, ADD, { token, body: { name: "House", house: true } });
    const toby = await makeUser(app.ctx);
    const basic = basicOf(house.appid, house.appsecret);
    assert.match(await grantToken(app, { basic }, { uid: toby.id }), /^[a-f0-9]{64}$/);
  });

  await t.step(
    "can make one that calls from some addresses only, however they are spelt",
    async () => {
      const add = (addresses: string[]) =>
        askOps(app, ADD, { token, body: { name: "Partner", addresses } });
      const [elsewhere, here, mapped] = [
        await add(["203.0.113.7", "2001:DB8:0:0::1"]),
        await add(["203.0.113.7", "192.0.2.1"]),
        await add(["::ffff:192.0.2.1"]),
      ];
      assert.equal(await mayCall(app, elsewhere.appid, elsewhere.appsecret), false);
      assert.equal(await mayCall(app, here.appid, here.appsecret), true);
      assert.equal(await mayCall(app, mapped.appid, mapped.appsecret), true);
      const listed = await askOps(app, LIST, { token, query: { limit: "3" } });
      assert.deepEqual(listed.items.map(({ addresses }: { addresses: string[] }) => addresses), [
        ["192.0.2.1"],
        ["203.0.113.7", "192.0.2.1"],
        ["203.0.113.7", "2001:db8::1"],
      ]);
    },
  );

  await t.step("takes what is asked of its customers", async () => {
    for (const customer_proof of ["device", "always", "never"]) {
      await askOps(app, ADD, { token, body: { name: "Partner", customer_proof } });
      const { items } = await askOps(app, LIST, { token, query: { limit: "1" } });
      assert.equal(items[0].customer_proof, customer_proof);
    }
  });

  await t.step("refuses what makes no sense", async () => {
    const before = await app.ctx.db.$count(apps);
    const wrong = [
      ...[{}, { name: " " }, { name: "x".repeat(65) }, { name: "A", house: "yes" }],
      ...[{ name: "A", addresses: [] }, { name: "A", addresses: ["plaza.test"] }],
      ...[{ name: "A", addresses: ["1.2.3.4/8"] }, { name: "A", addresses: "1.2.3.4" }],
      { name: "A", customer_proof: "sometimes" },
      { name: "A", addresses: Array.from({ length: 101 }, () => "1.2.3.4") },
    ];
    for (const body of wrong) assertOpsFailure(await callOps(app, ADD, { token, body }), INVALID);
    assert.equal(await app.ctx.db.$count(apps), before);
  });

  await t.step("needs an admin", async () => {
    await assertNeedsOperator(app, ADD, { body: { name: "A" }, refused: [...refused] });
  });
});

Deno.test("GET /v1/apps", async (t) => {
  await using app = await startTestApp();
  const { token } = await makeOperator(app.ctx, "admin");

  await t.step("lists the newest first, disabled ones too, and no secrets", async () => {
    assert.deepEqual(await askOps(app, LIST, { token }), { total: 0, items: [] });
    const one = await askOps(app, ADD, { token, body: { name: "One", house: true } });
    const two = await askOps(app, ADD, { token, body: { name: "Two", addresses: ["10.0.0.1"] } });
    await askOps(app, DISABLE, { token, params: { appid: String(one.appid) } });
    const { total, items } = await askOps(app, LIST, { token });
    assert.equal(total, 2);
    for (const item of items) assert.match(item.created_at, TIME);
    assert.match(items[1].disabled_at, TIME);
    assert.deepEqual(items, [
      {
        appid: two.appid,
        name: "Two",
        house: false,
        addresses: ["10.0.0.1"],
        customer_proof: "device",
        created_at: items[0].created_at,
        disabled_at: null,
      },
      {
        appid: one.appid,
        name: "One",
        house: true,
        addresses: null,
        customer_proof: "device",
        created_at: items[1].created_at,
        disabled_at: items[1].disabled_at,
      },
    ]);
    const second = await askOps(app, LIST, { token, query: { start: "1", limit: "1" } });
    assert.deepEqual(second, { total: 2, items: [items[1]] });
    const beyond = await askOps(app, LIST, { token, query: { start: "2" } });
    assert.deepEqual(beyond, { total: 2, items: [] });
  });

  await t.step("refuses a page that is none", async () => {
    const wrong: Record<string, string>[] = [{ start: "-1" }, { limit: "0" }, { limit: "101" }];
    for (const query of wrong) {
      assertOpsFailure(await callOps(app, LIST, { token, query }), INVALID);
    }
  });

  await t.step("needs an admin", () => assertNeedsOperator(app, LIST, { refused: [...refused] }));
});

Deno.test("PATCH /v1/apps/{appid}", async (t) => {
  await using app = await startTestApp();
  // Another process on the same database and Redis.
  await using other = await startTestApp({ database: app.database, redis: app.redis });
  const { token, operatorId } = await makeOperator(app.ctx, "admin");
  const { appId, basic } = await makeApp(app.ctx);
  const params = { appid: String(appId) };
  const change = (customer_proof: string) =>
    askOps(app, EDIT, { token, params, body: { customer_proof } });
  await askPartner(app, "POST /stores", { basic, body: { name: "Desk" } });

  await t.step("changes what customers are asked, everywhere at once", async () => {
    const body = { appid: appId, customer_id: "c" };
    const statuses: number[] = [];
    for (const customer_proof of ["always", "device", "always", "never"]) {
      const changed = await change(customer_proof);
      const { items } = await askOps(app, LIST, { token });
      assert.deepEqual(changed, items[0]);
      assert.equal(changed.customer_proof, customer_proof);
      statuses.push((await callPartner(other, "POST /auth/customer", { body })).http);
    }
    assert.deepEqual(statuses, [200, 200, 400, 200]);
  });

  await t.step("is recorded where it is a change", async () => {
    await change("never");
    const actions = await actionsOf(app, appId);
    assert.deepEqual(
      actions.map(({ action, before, after, operatorId }) => [action, before, after, operatorId]),
      [["never", "always"], ["always", "device"], ["device", "always"], ["always", "never"]]
        .map(([before, after]) => [
          "apps.edit",
          { customerProof: before },
          { customerProof: after },
          operatorId,
        ]),
    );
  });

  await t.step("refuses what makes no sense, and an app that is none, or disabled", async () => {
    for (const body of [{}, { customer_proof: "sometimes" }, { customer_proof: null }]) {
      assertOpsFailure(await callOps(app, EDIT, { token, params, body }), INVALID);
    }
    const disabled = await makeApp(app.ctx);
    await askOps(app, DISABLE, { token, params: { appid: String(disabled.appId) } });
    const body = { customer_proof: "always" };
    for (const appid of ["999999", String(disabled.appId)]) {
      assertOpsFailure(await callOps(app, EDIT, { token, params: { appid }, body }), MISSING);
    }
    assertOpsFailure(await callOps(app, EDIT, { token, params: { appid: "x" }, body }), INVALID);
  });

  await t.step("needs an admin", async () => {
    const body = { customer_proof: "always" };
    await assertNeedsOperator(app, EDIT, { params, body, refused: [...refused] });
    const [row] = await app.ctx.db.select().from(apps).where(eq(apps.id, appId));
    assert.equal(row!.customerProof, "never");
  });
});

Deno.test("POST /v1/apps/{appid}/rotate", async (t) => {
  await using app = await startTestApp();
  // Another process on the same database and Redis.
  await using other = await startTestApp({ database: app.database, redis: app.redis });
  const { token } = await makeOperator(app.ctx, "admin");
  const { appId, secret } = await makeApp(app.ctx);
  const params = { appid: String(appId) };

  await t.step("leaves two secrets good, everywhere at once, until the next", async () => {
    const secrets = [secret];
    const good = () => Promise.all(secrets.map((secret) => mayCall(other, appId, secret)));
    assert.deepEqual(await good(), [true]);
    for (const expected of [[true, true], [false, true, true], [false, false, true, true]]) {
      const rotated = await askOps(app, ROTATE, { token, params });
      assert.deepEqual(Object.keys(rotated), ["appid", "appsecret"]);
      secrets.push(rotated.appsecret);
      assert.deepEqual(await good(), expected);
    }
    const actions = await actionsOf(app, appId);
    assert.deepEqual(actions.map(({ action }) => action), Array(3).fill("apps.rotate"));
    assert.ok(!secrets.some((secret) => JSON.stringify(actions).includes(secret)));
  });

  await t.step("refuses an app that is none, or disabled", async () => {
    const disabled = await makeApp(app.ctx);
    await askOps(app, DISABLE, { token, params: { appid: String(disabled.appId) } });
    for (const appid of ["999999", String(disabled.appId)]) {
      assertOpsFailure(await callOps(app, ROTATE, { token, params: { appid } }), MISSING);
    }
    const wrong = await callOps(app, ROTATE, { token, params: { appid: "x" } });
    assertOpsFailure(wrong, INVALID);
    assert.equal(await mayCall(app, disabled.appId, disabled.secret), false);
  });

  await t.step("needs an admin", async () => {
    await assertNeedsOperator(app, ROTATE, { params, refused: [...refused] });
  });
});

Deno.test("POST /v1/apps/{appid}/disable", async (t) => {
  await using app = await startTestApp();
  await using other = await startTestApp({ database: app.database, redis: app.redis });
  const { token } = await makeOperator(app.ctx, "admin");
  const partner = await makeApp(app.ctx);
  const bystander = await makeApp(app.ctx);
  const params = { appid: String(partner.appId) };

  await t.step(
    "refuses its server and its clients everywhere at once, and nobody else's",
    async () => {
      await askPartner(app, "POST /stores", { basic: partner.basic, body: { name: "Desk" } });
      const customer = await askPartner(app, "POST /auth/customer", {
        body: { appid: partner.appId, customer_id: "c" },
      });
      const bearers = [
        await grantToken(app, partner, { uid: 7 }),
        customer.token,
        await grantToken(app, bystander, { uid: 7 }),
      ];
      const allowed = async () => [
        await mayCall(other, partner.appId, partner.secret),
        await mayCall(other, bystander.appId, bystander.secret),
        ...await Promise.all(bearers.map((bearer) => mayAsk(other, bearer))),
      ];
      assert.deepEqual(await allowed(), [true, true, true, true, true]);
      const told: string[] = [];
      const stop = app.bus.subscribe((event) => {
        if (event.kind === "ended") told.push(...event.tokenHashes);
      });
      const disabled = await askOps(app, DISABLE, { token, params });
      await Promise.resolve();
      stop();
      assert.deepEqual([disabled.appid, TIME.test(disabled.disabled_at)], [partner.appId, true]);
      assert.deepEqual(await allowed(), [false, true, false, false, true]);
      assert.equal(told.length, 2, "their sockets are told");

      const grant = { basic: partner.basic, body: { uid: 7 } };
      assertPartnerFailure(await callPartner(app, "POST /auth/grant", grant), REFUSED_TEXT);
      const body = { appid: partner.appId, customer_id: "c" };
      assertPartnerFailure(await callPartner(app, "POST /auth/customer", { body }), "应用不存在");
      assert.deepEqual(await askOps(app, DISABLE, { token, params }), disabled, "again is once");
      const actions = await actionsOf(app, partner.appId);
      assert.deepEqual(
        actions.map(({ action, before, after }) => ({ action, before, after })),
        [{ action: "apps.disable", before: { disabled: false }, after: { disabled: true } }],
      );
    },
  );

  await t.step(
    "ends all clients, however many, and of the house only partners' tokens",
    async () => {
      const live = (of: ReturnType<typeof sql>) =>
        app.ctx.db.$count(
          sessions,
          and(isNull(sessions.revokedAt), sql`user_id in (select id from users where ${of})`),
        );
      const house = await makeApp(app.ctx, { house: true });
      await app.ctx.db.execute(sql`
      with made as (insert into users (uid, app_uid, profile_at, created_at, updated_at)
        select md5('many' || n), n, now(), now(), now() from generate_series(1, 1001) as n
        returning id)
      insert into sessions (token_hash, user_id, kind, created_at, expires_at)
      select md5(kind || 'of' || id), id, kind, now(), now() + interval '1 day'
      from made, generate_series(0, 2) as kind`);
      assert.equal(await live(sql`app_id = 0`), 3003);
      await askOps(app, DISABLE, { token, params: { appid: String(house.appId) } });
      assert.equal(await live(sql`app_id = 0`), 2002);
      assert.equal(await live(sql`app_id = 0 and kind = 2`), 0);
      assert.equal(await live(sql`app_id = ${bystander.appId}`), 1);
    },
  );

  await t.step("refuses an app that is none", async () => {
    assertOpsFailure(await callOps(app, DISABLE, { token, params: { appid: "999999" } }), MISSING);
    assertOpsFailure(await callOps(app, DISABLE, { token, params: { appid: "0" } }), INVALID);
  });

  await t.step("needs an admin", async () => {
    const params = { appid: String(bystander.appId) };
    await assertNeedsOperator(app, DISABLE, { params, refused: [...refused] });
    assert.ok(await mayCall(app, bystander.appId, bystander.secret));
  });
});
