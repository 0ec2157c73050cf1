import { and, eq } from "drizzle-orm";
import assert from "node:assert/strict";
import { findSupporter } from "../../../db/domain/support/supporters.ts";
import { setGone, setPresent } from "../../../db/redis/presence.ts";
import { users } from "../../../db/schema/users.ts";
import {
  askPartner,
  assertNeedsPartner,
  assertPartnerFailure,
  callPartner,
  grantToken,
  makeApp,
  type TestPartner,
} from "../../clients/partner.ts";
import { startTestApp, type TestApp } from "../../harness.ts";

const SUPPORTERS = "GET /supporters";

const SELLERS = [
  { uid: 1, name: "Anna@desk", avatar: "a.png" },
  { uid: 2, name: "Ben", avatar: "" },
  { uid: 3, name: "Carl@a@b", avatar: "" },
];

async function userIdOf({ ctx }: TestApp, { appId }: TestPartner, appUid: number) {
  const [person] = await ctx.db.select({ id: users.id }).from(users)
    .where(and(eq(users.appId, appId), eq(users.appUid, appUid)));
  return person!.id;
}

/** An app with a desk of three. */
async function openDesk(app: TestApp) {
  const partner = await makeApp(app.ctx);
  const body = { name: "Desk", sellers: SELLERS };
  const { store_id } = await askPartner(app, "POST /stores", { basic: partner.basic, body });
  const ask = (bearer: string) =>
    askPartner(app, SUPPORTERS, { bearer, query: { store_id: String(store_id) } });
  const socketOf = async (appUid: number) => ({
    userId: await userIdOf(app, partner, appUid),
    socketId: "s",
    deviceFlag: 0,
  });
  return {
    partner,
    store_id: store_id as number,
    ask,
    come: async (appUid: number) => setPresent(app.ctx, [await socketOf(appUid)]),
    go: async (appUid: number) => setGone(app.ctx, [await socketOf(appUid)]),
  };
}

Deno.test("GET /supporters", async (t) => {
  await using app = await startTestApp();
  const { partner, store_id, ask, come, go } = await openDesk(app);

  await t.step("answers the desk's first while nobody is online, and stays with them", async () => {
    const bearer = await grantToken(app, partner, { uid: 100 });
    const anna = { seller_id: 1, name: "Anna", avatar: "a.png", status: "offline" };
    assert.deepEqual(await ask(bearer), anna);
    await come(2);
    assert.deepEqual(await ask(bearer), anna, "whoever else is there");
    await come(1);
    assert.deepEqual(await ask(bearer), { ...anna, status: "online" });
    await go(1);
    await go(2);
  });

  await t.step("answers one of those online, drawn, and stays with them when they go", async () => {
    await come(2);
    await come(3);
    for (const [index, seller] of [[0, 2], [1, 3]] as const) {
      const customer = await askPartner(app, "POST /auth/customer", {
        body: { appid: partner.appId },
      });
      const counts: number[] = [];
      const found = await findSupporter(app.ctx, {
        tenantId: partner.appId,
        storeId: store_id,
        userId: await userIdOf(app, partner, customer.client_id),
        draw: (count) => (counts.push(count), index),
      });
      assert.deepEqual([found.appUid, found.isOnline, counts], [seller, true, [2]]);
      await go(seller);
      assert.deepEqual(
        [(await ask(customer.token)).seller_id, (await ask(customer.token)).status],
        [seller, "offline"],
      );
      await come(seller);
    }
    await go(2);
    await go(3);
  });

  await t.step("draws by itself among those online", async () => {
    await come(2);
    await come(3);
    const drawn = new Set<number>();
    // Never to see one of two in a hundred draws: one in 2^99.
    for (let uid = 200; uid < 300 && drawn.size < 2; uid++) {
      const { seller_id, status } = await ask(await grantToken(app, partner, { uid }));
      assert.equal(status, "online");
      drawn.add(seller_id);
    }
    assert.deepEqual([...drawn].sort(), [2, 3]);
    await go(2);
    await go(3);
  });

  await t.step("is somebody else once the helper has left the desk", async () => {
    const bearer = await grantToken(app, partner, { uid: 101 });
    assert.equal((await ask(bearer)).seller_id, 1);
    const replace = (sellers: unknown) =>
      askPartner(app, "PUT /stores/{store_id}/sellers", {
        basic: partner.basic,
        params: { store_id },
        body: { sellers },
      });
    await replace(SELLERS.slice(1));
    assert.equal((await ask(bearer)).seller_id, 2);
    await replace(SELLERS);
    assert.equal((await ask(bearer)).seller_id, 2, "and stays that");
    const third = { seller_id: 3, name: "Carl", avatar: "", status: "offline" };
    await replace([SELLERS[2]]);
    assert.deepEqual(await ask(bearer), third);
    await replace([]);
    const query = { store_id: String(store_id) };
    assertPartnerFailure(await callPartner(app, SUPPORTERS, { bearer, query }), "没有可用的客服");
  });

  await t.step("refuses a desk that is none, or another app's, and no desk", async () => {
    const [own, other] = [
      await grantToken(app, partner, { uid: 102 }),
      await grantToken(app, await makeApp(app.ctx), { uid: 102 }),
    ];
    const missing: [string, string][] = [[own, String(store_id + 1_000)], [other, `${store_id}`]];
    for (const [bearer, id] of missing) {
      const answer = await callPartner(app, SUPPORTERS, { bearer, query: { store_id: id } });
      assertPartnerFailure(answer, "咨询台不存在");
    }
    const wrong: Record<string, string>[] = [{}, { store_id: "" }, { store_id: "x" }];
    for (const query of wrong) {
      assertPartnerFailure(await callPartner(app, SUPPORTERS, { bearer: own, query }));
    }
  });

  await t.step("needs a client", async () => {
    await assertNeedsPartner(app, SUPPORTERS, {
      by: "client",
      query: { store_id: String(store_id) },
    });
  });
});
