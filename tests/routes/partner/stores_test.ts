import { eq, sql } from "drizzle-orm";
import assert from "node:assert/strict";
import { stores } from "../../../db/schema/apps.ts";
import { users } from "../../../db/schema/users.ts";
import {
  askPartner,
  assertNeedsPartner,
  assertPartnerFailure,
  callPartner,
  makeApp,
  RESERVED_TEXT,
} from "../../clients/partner.ts";
import { startTestApp } from "../../harness.ts";

const ADD = "POST /stores";
const LIST = "GET /stores";
const REPLACE = "PUT /stores/{store_id}/sellers";

Deno.test("desks of an app", async (t) => {
  await using app = await startTestApp();
  const { appId, basic } = await makeApp(app.ctx);
  const anna = { uid: 7, name: "Anna@desk", avatar: "a.png" };
  const ben = { uid: 8, name: "Ben", avatar: "" };

  await t.step("POST /stores opens one, GET /stores lists the oldest first", async () => {
    assert.deepEqual(await askPartner(app, LIST, { basic }), []);
    const body = { name: "One", sellers: [ben, { ...anna, uid: "7" }, ben] };
    const one = await askPartner(app, ADD, { basic, body });
    const two = await askPartner(app, ADD, { basic, body: { name: "Two" } });
    assert.deepEqual(await askPartner(app, LIST, { basic }), [
      { ...one, name: "One", sellers: [ben, anna] },
      { ...two, name: "Two", sellers: [] },
    ]);
  });

  await t.step("PUT /stores/{store_id}/sellers replaces everybody", async () => {
    const [{ store_id }] = await askPartner(app, LIST, { basic });
    const replace = (sellers: unknown) =>
      askPartner(app, REPLACE, { basic, params: { store_id }, body: { sellers } });
    const read = async () => (await askPartner(app, LIST, { basic }))[0].sellers;
    assert.deepEqual(await replace([{ uid: 7 }, { uid: 9, name: "Carl" }]), {});
    assert.deepEqual(await read(), [anna, { uid: 9, name: "Carl", avatar: "" }]);
    await replace(["9", 7]);
    assert.deepEqual(await read(), [{ uid: 9, name: "Carl", avatar: "" }, anna]);
    await replace([]);
    assert.deepEqual(await read(), []);
    await replace([ben, anna]);
    assert.deepEqual(await read(), [ben, anna]);
  });

  await t.step("refuses what makes no sense", async () => {
    const [{ store_id }] = await askPartner(app, LIST, { basic });
    const tooMany = Array.from({ length: 101 }, (_, at) => ({ uid: at + 1 }));
    const wrong: [string, object][] = [
      [ADD, { body: {} }],
      [ADD, { body: { name: " " } }],
      [ADD, { body: { name: "x".repeat(256) } }],
      [ADD, { body: { name: "One", sellers: [{ name: "Anna" }] } }],
      [ADD, { body: { name: "One", sellers: tooMany } }],
      [REPLACE, { params: { store_id }, body: {} }],
      [REPLACE, { params: { store_id }, body: { sellers: [{ uid: "x" }] } }],
      [REPLACE, { params: { store_id: "x" }, body: { sellers: [] } }],
    ];
    for (const [operation, call] of wrong) {
      assertPartnerFailure(await callPartner(app, operation, { basic, ...call }));
    }
    const params = { store_id: store_id + 1_000 };
    const missing = await callPartner(app, REPLACE, { basic, params, body: { sellers: [] } });
    assertPartnerFailure(missing, "咨询台不存在");
  });

  await t.step("refuses a number no customer has, and then opens and changes nothing", async () => {
    const before = await askPartner(app, LIST, { basic });
    const sellers = [ben, { uid: 4_000_000_000_000_000 }];
    const body = { name: "Three", sellers };
    assertPartnerFailure(await callPartner(app, ADD, { basic, body }), RESERVED_TEXT);
    const params = { store_id: before[0].store_id };
    assertPartnerFailure(
      await callPartner(app, REPLACE, { basic, params, body: { sellers } }),
      RESERVED_TEXT,
    );
    assert.deepEqual(await askPartner(app, LIST, { basic }), before);
    assert.equal(await app.ctx.db.$count(users, eq(users.appUid, 4_000_000_000_000_000)), 0);
  });

  await t.step("a house app has none", async () => {
    const house = await makeApp(app.ctx, { house: true });
    const body = { name: "One" };
    assertPartnerFailure(await callPartner(app, ADD, { basic: house.basic, body }), "应用不存在");
    assert.deepEqual(await askPartner(app, LIST, { basic: house.basic }), []);
  });

  await t.step("there are a thousand at most", async () => {
    const count = await app.ctx.db.$count(stores, eq(stores.appId, appId));
    await app.ctx.db.execute(sql`insert into stores (app_id, name, created_at)
      select ${appId}, 'Desk', now() from generate_series(1, ${999 - count}::int)`);
    await askPartner(app, ADD, { basic, body: { name: "Last" } });
    assertPartnerFailure(
      await callPartner(app, ADD, { basic, body: { name: "One more" } }),
      "咨询台不能超过1000个",
    );
    assert.equal((await askPartner(app, LIST, { basic })).length, 1000);
  });

  await t.step("needs a server", async () => {
    await assertNeedsPartner(app, ADD, { body: { name: "One" } });
    await assertNeedsPartner(app, LIST);
    await assertNeedsPartner(app, REPLACE, { params: { store_id: 1 }, body: { sellers: [] } });
  });
});
