import { eq } from "drizzle-orm";
import assert from "node:assert/strict";
import { notify } from "../../../db/domain/notifications/notify.ts";
import { pushTargets } from "../../../db/schema/notifications.ts";
import { users, UserStatus } from "../../../db/schema/users.ts";
import { drainPending } from "../../../jobs/push.ts";
import { askAdmin } from "../../clients/admin.ts";
import {
  caller,
  callGateway,
  type GatewayLogin,
  logIn,
  registerPerson,
  requestCode,
} from "../../clients/gateway.ts";
import { makeOperator } from "../../clients/ops.ts";
import { startTestApp, type TestApp } from "../../harness.ts";

Deno.test("POST /push/{jPushId}", async (t) => {
  await using app = await startTestApp();
  const person = await registerPerson(app);
  const register = (jPushId: string, as: GatewayLogin | undefined = person) => {
    app.clock.advance(2_000);
    return callGateway(app, "POST", `/push/${jPushId}`, as ? { as } : {});
  };
  const deviceOf = async ({ uid }: GatewayLogin) =>
    (await app.database.db.select({ jpushId: pushTargets.jpushId }).from(pushTargets)
      .innerJoin(users, eq(users.id, pushTargets.userId)).where(eq(users.uid, uid)))[0]?.jpushId;

  await t.step("answers as the contract's sample, and keeps the device", async () => {
    const { http, status, message, result } = await register("161a3797c87cc173a10");
    assert.deepEqual({ http, status, message, result }, {
      http: 200,
      status: 1,
      message: "Success",
      result: {},
    });
    assert.equal(await deviceOf(person), "161a3797c87cc173a10");
  });

  await t.step("again, and with another device, replaces", async () => {
    assert.equal((await register("161a3797c87cc173a10")).status, 1);
    assert.equal((await register("another_device-2")).status, 1);
    assert.equal(await deviceOf(person), "another_device-2");
  });

  await t.step("a device speaks for one person: the last to register it", async () => {
    const other = await registerPerson(app);
    assert.equal((await register("another_device-2", other)).status, 1);
    assert.equal(await deviceOf(other), "another_device-2");
    assert.equal(await deviceOf(person), undefined);
  });

  await t.step("works before the profile is filled in", async () => {
    const nameless = await logIn(app);
    assert.equal((await register("early", nameless)).status, 1);
    assert.equal(await deviceOf(nameless), "early");
  });

  await t.step("takes the path deployed clients call", async () => {
    assert.equal((await register("update/deployed")).status, 1);
    assert.equal(await deviceOf(person), "deployed");
  });

  await t.step("refuses what is no registration id", async () => {
    for (const bad of ["a".repeat(65), "a%20b", "a%2Fb", "%E4%B8%AD", "a.b"]) {
      const refused = await register(bad);
      assert.deepEqual([refused.http, refused.status, refused.errorCode], [200, 0, 0], bad);
      assert.equal(refused.field, "jPushId");
    }
    assert.equal((await register("a".repeat(64))).status, 1);
    assert.equal(await deviceOf(person), "a".repeat(64));
  });

  await t.step(
    "is 401 without credentials or with a wrong signature, and may be repeated",
    async () => {
      const anonymous = await callGateway(app, "POST", "/push/x");
      assert.equal(anonymous.http, 401);
      const forged = await callGateway(app, "POST", "/push/x", {
        as: person,
        sign: "0".repeat(32),
      });
      assert.equal(forged.http, 401);
      assert.equal((await register("twice")).status, 1);
      const repeated = await callGateway(app, "POST", "/push/twice", { as: person });
      assert.equal(repeated.status, 1);
    },
  );

  await t.step("of two people at once one has the device, and neither sees a failure", async () => {
    const people = await Promise.all([1, 2, 3, 4].map(() => registerPerson(app)));
    const answers = await Promise.all(people.map((as) => register("contested", as)));
    assert.deepEqual(answers.map(({ status }) => status), [1, 1, 1, 1]);
    const devices = await Promise.all(people.map(deviceOf));
    assert.equal(devices.filter((device) => device === "contested").length, 1);
  });
});

Deno.test("a device is reached until the session ends that named it, and no longer", async (t) => {
  await using app = await startTestApp();
  const call = caller(app);
  /** At how many devices a notice is shown. */
  const reached = async ({ uid }: GatewayLogin) => {
    const before = app.providers.outbox!.list().length;
    const notice = { origin: 0, title: "Hello", content: "You", url: "room/1", push: true };
    const [row] = await app.database.db.select().from(users).where(eq(users.uid, uid));
    await notify(app.ctx, { userId: row!.id, ...notice });
    while (!(await drainPending(app.ctx, app.providers.push)).isLast);
    return app.providers.outbox!.list().length - before;
  };
  const ways: [string, (person: GatewayLogin) => Promise<unknown>][] = [
    ["logged out", (person) => call("POST", "/account/logout", person)],
    ["replaced by another phone", async ({ uid }) => {
      const [row] = await app.database.db.select().from(users).where(eq(users.uid, uid));
      app.clock.advance(120_000);
      const mobile = row!.mobile!;
      const code = await requestCode(app, mobile);
      const body = { countryCode: "86", mobile, captcha: code };
      await callGateway(app, "POST", "/account/login/captcha", { body });
    }],
    ["disabled", (person) => setStatus(app, person, UserStatus.disabled)],
    ["deleted", (person) => setStatus(app, person, UserStatus.deleted)],
  ];
  for (const [way, end] of ways) {
    await t.step(way, async () => {
      const person = await registerPerson(app, "Person");
      await call("POST", `/push/device-${person.uid}`, person);
      assert.equal(await reached(person), 1);
      await end(person);
      assert.equal(await reached(person), 0);
    });
  }
});

/** As an operator does. */
async function setStatus(app: TestApp, { uid }: GatewayLogin, status: number): Promise<void> {
  const { token } = await makeOperator(app.ctx, "admin");
  const [row] = await app.database.db.select().from(users).where(eq(users.uid, uid));
  const params = { uid: String(row!.id) };
  await askAdmin(app, "PUT /v1/admin/users/{uid}", { token, params, body: { status } });
}
