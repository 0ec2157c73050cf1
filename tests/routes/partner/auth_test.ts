import { and, eq } from "drizzle-orm";
import assert from "node:assert/strict";
import { md5Hex } from "../../../config/keys.ts";
import { refreshApp } from "../../../db/domain/partners/app_cache.ts";
import { hashSecret } from "../../../db/domain/partners/credentials.ts";
import { hashToken } from "../../../db/domain/sessions/access_secret.ts";
import { apps } from "../../../db/schema/apps.ts";
import { SessionKind, sessions } from "../../../db/schema/sessions.ts";
import { users, UserStatus } from "../../../db/schema/users.ts";
import {
  askPartner,
  assertNeedsPartner,
  assertPartnerFailure,
  callPartner,
  grantToken,
  makeApp,
  REFUSED_TEXT,
  RESERVED_TEXT,
  type TestPartner,
} from "../../clients/partner.ts";
import { startTestApp, type TestApp } from "../../harness.ts";
import { makeUser } from "../../people/factories.ts";

const GRANT = "POST /auth/grant";
const REVOKE = "POST /auth/revoke";
const CUSTOMER = "POST /auth/customer";

async function readPerson({ ctx }: TestApp, { appId }: TestPartner, appUid: number) {
  const [person] = await ctx.db.select().from(users)
    .where(and(eq(users.appId, appId), eq(users.appUid, appUid)));
  return person;
}

/** Whether a token is one: the desk it asks about is not there, so that is what it is told. */
async function isGood(app: TestApp, bearer: string): Promise<boolean> {
  const answer = await callPartner(app, "GET /supporters", { bearer, query: { store_id: "1" } });
  assertPartnerFailure(answer);
  return answer.envelope.meta.message !== REFUSED_TEXT;
}

Deno.test("POST /auth/grant", async (t) => {
  await using app = await startTestApp();
  const partner = await makeApp(app.ctx);
  const { basic } = partner;
  const sample = { uid: 7, user_name: "Toby", platform_id: 1, device_id: "ABC" };

  await t.step("answers a token for a person it makes, and the same one ever after", async () => {
    const { token } = await askPartner(app, GRANT, { basic, body: sample });
    assert.match(token, /^[a-f0-9]{64}$/);
    assert.ok(await isGood(app, token));
    const person = await readPerson(app, partner, 7);
    assert.equal(person!.nickname, "Toby");
    app.clock.advance(10 * 365 * 24 * 60 * 60 * 1000);
    assert.deepEqual(await askPartner(app, GRANT, { basic, body: { uid: "7" } }), { token });
    assert.ok(await isGood(app, token), "for good");
    assert.equal((await readPerson(app, partner, 7))!.nickname, "Toby");
    const rows = await app.ctx.db.select().from(sessions)
      .where(eq(sessions.userId, person!.id));
    assert.deepEqual(rows.map(({ tokenHash, kind }) => [tokenHash, kind]), [
      [hashToken(token), SessionKind.partner],
    ]);
  });

  await t.step("takes a new name, and leaves it for a blank one", async () => {
    const token = await grantToken(app, partner, { uid: 7, name: "Tony" });
    assert.equal((await readPerson(app, partner, 7))!.nickname, "Tony");
    assert.equal(await grantToken(app, partner, { uid: 7, name: " " }), token);
    assert.equal((await readPerson(app, partner, 7))!.nickname, "Tony");
  });

  await t.step(
    "is another one for everybody else, the same number elsewhere included",
    async () => {
      const tokens = await Promise.all([
        grantToken(app, partner, { uid: 7 }),
        grantToken(app, partner, { uid: 8 }),
        grantToken(app, await makeApp(app.ctx), { uid: 7 }),
      ]);
      assert.equal(new Set(tokens).size, 3);
    },
  );

  await t.step("refuses a uid that is no number", async () => {
    const wrong = ["abc", "7a", "", null, undefined, 0, -1, 1.5, 2 ** 63, "9223372036854775808", [
      7,
    ]];
    for (const uid of wrong) {
      const answer = await callPartner(app, GRANT, { basic, body: { ...sample, uid } });
      assertPartnerFailure(answer);
      assert.equal(answer.envelope.meta.field, "uid", String(uid));
    }
    const tooLong = { ...sample, user_name: "x".repeat(256) };
    assertPartnerFailure(await callPartner(app, GRANT, { basic, body: tooLong }));
  });

  await t.step("refuses a number of those that customers get, while nobody has it", async () => {
    const body = { uid: 4_000_000_000_000_000 };
    assertPartnerFailure(await callPartner(app, GRANT, { basic, body }), RESERVED_TEXT);
    assert.equal(await readPerson(app, partner, body.uid), undefined);
  });

  await t.step("refuses whom operators have disabled", async () => {
    const token = await grantToken(app, partner, { uid: 9 });
    await app.ctx.db.update(users).set({ status: UserStatus.disabled })
      .where(and(eq(users.appId, partner.appId), eq(users.appUid, 9)));
    assertPartnerFailure(
      await callPartner(app, GRANT, { basic, body: { uid: 9 } }),
      "账号已被冻结",
    );
    assert.equal(await isGood(app, token), false);
  });

  await t.step("of a house app names people of ours, and makes and renames nobody", async () => {
    const house = await makeApp(app.ctx, { house: true });
    const toby = await makeUser(app.ctx, "Toby");
    const token = await grantToken(app, house, { uid: toby.id, name: "Somebody else" });
    assert.ok(await isGood(app, token));
    const [session] = await app.ctx.db.select().from(sessions)
      .where(eq(sessions.tokenHash, hashToken(token)));
    assert.equal(session!.userId, toby.id);
    const [person] = await app.ctx.db.select().from(users).where(eq(users.id, toby.id));
    assert.equal(person!.nickname, "Toby");
    const before = await app.ctx.db.$count(users);
    const body = { uid: toby.id + 1_000 };
    assertPartnerFailure(await callPartner(app, GRANT, { basic: house.basic, body }), "用户不存在");
    assert.equal(await app.ctx.db.$count(users), before);
    await app.ctx.db.update(users).set({ deletedAt: app.ctx.now(), status: UserStatus.deleted })
      .where(eq(users.id, toby.id));
    const gone = { basic: house.basic, body: { uid: toby.appUid } };
    assertPartnerFailure(await callPartner(app, GRANT, gone), "用户不存在");
  });

  await t.step("needs a server", () => assertNeedsPartner(app, GRANT, { body: { uid: 1 } }));
});

Deno.test("a token outlives one change of the server's key, and is replaced after a second", async () => {
  await using app = await startTestApp({ env: { SECRET_KEY: "1".repeat(32) } });
  const { database, redis } = app;
  const start = (newest: string, previous: string) => {
    const env = { SECRET_KEY: newest.repeat(32), SECRET_KEY_PREVIOUS: previous.repeat(32) };
    return startTestApp({ env, database, redis });
  };
  const partner = await makeApp(app.ctx);
  const token = await grantToken(app, partner, { uid: 7 });
  const grantIn = async (other: TestApp) => {
    // A partner's secret is kept under the key of its time.
    const secretHash = hashSecret(other.config.keys, md5Hex(partner.secret));
    await other.ctx.db.update(apps).set({ secretHash }).where(eq(apps.id, partner.appId));
    await refreshApp(other.ctx, partner.appId);
    return await grantToken(other, partner, { uid: 7 });
  };
  await using second = await start("2", "1");
  assert.equal(await grantIn(second), token);
  await using third = await start("3", "2");
  const replaced = await grantIn(third);
  assert.notEqual(replaced, token);
  assert.deepEqual([await isGood(third, token), await isGood(third, replaced)], [false, true]);
});

Deno.test("POST /auth/revoke", async (t) => {
  await using app = await startTestApp();
  const partner = await makeApp(app.ctx);
  const { basic } = partner;

  await t.step("ends the token at once, in the cache too, and another is granted", async () => {
    const [token, other] = [
      await grantToken(app, partner, { uid: 7 }),
      await grantToken(app, partner, { uid: 8 }),
    ];
    assert.ok(await isGood(app, token));
    const told: string[] = [];
    const stop = app.bus.subscribe((event) => {
      if (event.kind === "ended") told.push(...event.tokenHashes);
    });
    assert.deepEqual(await askPartner(app, REVOKE, { basic, body: { uid: 7 } }), {});
    await Promise.resolve();
    stop();
    assert.deepEqual(told, [hashToken(token)], "its sockets are told");
    assert.equal(await isGood(app, token), false);
    const next = await grantToken(app, partner, { uid: 7 });
    assert.notEqual(next, token);
    assert.deepEqual(
      await Promise.all([token, next, other].map((token) => isGood(app, token))),
      [false, true, true],
    );
  });

  await t.step(
    "of somebody without a token, or whom nobody has named, changes nothing",
    async () => {
      const before = await app.ctx.db.$count(users);
      for (const uid of [7, 7, 99, "100"]) {
        await askPartner(app, REVOKE, { basic, body: { uid } });
      }
      assert.equal(await app.ctx.db.$count(users), before);
      assertPartnerFailure(await callPartner(app, REVOKE, { basic, body: { uid: "x" } }));
    },
  );

  await t.step("needs a server", () => assertNeedsPartner(app, REVOKE, { body: { uid: 1 } }));
});

Deno.test("POST /auth/customer", async (t) => {
  await using app = await startTestApp();
  const partner = await makeApp(app.ctx);
  const { appId, basic } = partner;
  const sample = {
    appid: appId,
    customer_id: "c-1",
    name: "Anna",
    avatar: "https://plaza.test/a.png",
    platform_id: 3,
    device_id: "browser",
  };

  await t.step("refuses an app that has no desk, and makes nobody", async () => {
    assertPartnerFailure(await callPartner(app, CUSTOMER, { body: sample }), "咨询台不存在");
    assert.equal(await app.ctx.db.$count(users, eq(users.appId, appId)), 0);
  });

  const { store_id } = await askPartner(app, "POST /stores", { basic, body: { name: "One" } });
  await askPartner(app, "POST /stores", { basic, body: { name: "Two" } });

  await t.step(
    "needs no credentials, and is the same customer whenever the same id comes",
    async () => {
      const customer = await askPartner(app, CUSTOMER, { body: sample });
      assert.deepEqual(Object.keys(customer), ["token", "store_id", "client_id"]);
      assert.equal(customer.store_id, store_id, "the oldest");
      assert.ok(await isGood(app, customer.token));
      assert.deepEqual(await askPartner(app, CUSTOMER, { body: sample }), customer);
      const bare = { appid: String(appId), customer_id: "c-1" };
      assert.deepEqual(await askPartner(app, CUSTOMER, { body: bare }), customer);
      const person = (await readPerson(app, partner, customer.client_id))!;
      assert.deepEqual([person.nickname, person.avatar], [sample.name, sample.avatar]);
      assert.equal(customer.client_id, 4_000_000_000_000_000 + person.id);
      const renamed = { ...bare, name: "Anne" };
      assert.deepEqual(await askPartner(app, CUSTOMER, { body: renamed }), customer);
      assert.equal((await readPerson(app, partner, customer.client_id))!.nickname, "Anne");
    },
  );

  await t.step("is what the app's server is granted for the customer's number", async () => {
    const { token, client_id } = await askPartner(app, CUSTOMER, { body: sample });
    assert.equal(await grantToken(app, partner, { uid: client_id }), token);
    await askPartner(app, REVOKE, { basic, body: { uid: client_id } });
    const next = await askPartner(app, CUSTOMER, { body: sample });
    assert.notEqual(next.token, token);
    assert.equal(next.client_id, client_id);
    assert.equal(await isGood(app, token), false);
  });

  await t.step("is somebody new each time without an id", async () => {
    const ids: number[] = [];
    for (const customer_id of ["", null, undefined]) {
      ids.push((await askPartner(app, CUSTOMER, { body: { ...sample, customer_id } })).client_id);
    }
    const { client_id } = await askPartner(app, CUSTOMER, { body: sample });
    assert.equal(new Set([...ids, client_id]).size, 4);
  });

  await t.step("takes a customer's id for another person in another app", async () => {
    const other = await makeApp(app.ctx);
    await askPartner(app, "POST /stores", { basic: other.basic, body: { name: "Desk" } });
    const own = await askPartner(app, CUSTOMER, { body: sample });
    const theirs = await askPartner(app, CUSTOMER, { body: { ...sample, appid: other.appId } });
    assert.notEqual(theirs.client_id, own.client_id);
    assert.notEqual(theirs.store_id, own.store_id);
  });

  await t.step("refuses an app that is none, or of the house", async () => {
    const house = await makeApp(app.ctx, { house: true });
    for (const appid of [appId + 1_000, house.appId]) {
      const answer = await callPartner(app, CUSTOMER, { body: { ...sample, appid } });
      assertPartnerFailure(answer, "应用不存在");
    }
    for (const appid of [undefined, "abc", 0]) {
      assertPartnerFailure(await callPartner(app, CUSTOMER, { body: { ...sample, appid } }));
    }
    const tooLong = { ...sample, customer_id: "x".repeat(129) };
    assertPartnerFailure(await callPartner(app, CUSTOMER, { body: tooLong }));
  });

  await t.step("refuses a customer whom operators have disabled", async () => {
    const body = { appid: appId, customer_id: "c-2" };
    const { client_id } = await askPartner(app, CUSTOMER, { body });
    await app.ctx.db.update(users).set({ status: UserStatus.disabled })
      .where(and(eq(users.appId, appId), eq(users.appUid, client_id)));
    assertPartnerFailure(await callPartner(app, CUSTOMER, { body }), "账号已被冻结");
  });
});

Deno.test("POST /auth/customer is counted by address", async () => {
  await using app = await startTestApp({ env: { RATE_FACTOR: "1" } });
  const { appId } = await makeApp(app.ctx);
  const statuses: number[] = [];
  for (let call = 0; call < 21; call++) {
    statuses.push((await callPartner(app, CUSTOMER, { body: { appid: appId } })).http);
  }
  assert.deepEqual(statuses, [...Array(20).fill(400), 429]);
});
