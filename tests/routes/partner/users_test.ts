import { and, desc, eq } from "drizzle-orm";
import { alias } from "drizzle-orm/pg-core";
import assert from "node:assert/strict";
import type { BusEvent } from "../../../db/bus/bus.ts";
import { peerSettings } from "../../../db/schema/chat.ts";
import { users } from "../../../db/schema/users.ts";
import { askIm, assertImFailure, callIm } from "../../clients/im.ts";
import {
  askPartner,
  assertNeedsPartner,
  assertPartnerFailure,
  callPartner,
  makeApp,
} from "../../clients/partner.ts";
import { startTestApp, type TestApp } from "../../harness.ts";
import { makeUser } from "../../people/factories.ts";
import { makeChatPerson, makeFriends } from "../im/chat_people.ts";

const SET = "POST /users/{uid}";

async function readPerson({ ctx }: TestApp, appId: number, appUid: number) {
  const [person] = await ctx.db.select({ name: users.nickname, muted: users.phoneMuted })
    .from(users).where(and(eq(users.appId, appId), eq(users.appUid, appUid)));
  return person;
}

/** Whom somebody does not want to be disturbed by, and whom they do. */
async function readPeers({ ctx }: TestApp, appId: number, appUid: number) {
  const peers = alias(users, "peers");
  return await ctx.db.select({ peer: peers.appUid, mute: peerSettings.mute })
    .from(peerSettings)
    .innerJoin(users, eq(users.id, peerSettings.userId))
    .innerJoin(peers, eq(peers.id, peerSettings.peerId))
    .where(and(eq(users.appId, appId), eq(users.appUid, appUid)))
    .orderBy(desc(peers.appUid));
}

Deno.test("POST /users/{uid}", async (t) => {
  await using app = await startTestApp();
  const { appId, basic } = await makeApp(app.ctx);
  const set = (uid: number | string, body: unknown) =>
    callPartner(app, SET, { basic, params: { uid }, body });

  await t.step("sets all that the contract's sample gives, for somebody it makes", async () => {
    const body = { name: "Toby", do_not_disturb: { peer_uid: "8", on: true }, mute: true };
    assert.deepEqual(await askPartner(app, SET, { basic, params: { uid: 7 }, body }), {});
    assert.deepEqual(await readPerson(app, appId, 7), { name: "Toby", muted: true });
    assert.deepEqual(await readPeers(app, appId, 7), [{ peer: 8, mute: true }]);
  });

  await t.step("leaves what is not given, and takes PATCH for POST", async () => {
    await set(7, { name: "Tony" });
    assert.deepEqual(await readPerson(app, appId, 7), { name: "Tony", muted: true });
    await callPartner(app, "PATCH /users/{uid}", { basic, params: { uid: 7 }, body: { mute: 0 } });
    assert.deepEqual(await readPerson(app, appId, 7), { name: "Tony", muted: false });
    assert.deepEqual(await readPeers(app, appId, 7), [{ peer: 8, mute: true }]);
    await set(7, { do_not_disturb: { peer_uid: 8, on: "0" } });
    assert.deepEqual(await readPeers(app, appId, 7), [{ peer: 8, mute: false }]);
    await set(7, { name: "Toby", do_not_disturb: { peer_uid: 7, on: true } });
    assert.deepEqual((await readPeers(app, appId, 7)).at(-1), { peer: 7, mute: true });
    assert.deepEqual(await readPerson(app, appId, 7), { name: "Toby", muted: false });
  });

  await t.step("refuses nothing, and what makes no sense, and then changes nothing", async () => {
    const wrong = [
      ...[undefined, {}, [], { silent: true }, { name: "" }, { name: "x".repeat(256) }],
      ...[{ mute: "maybe" }, { name: "Anna", mute: 2 }, { name: "Anna", do_not_disturb: true }],
      ...[{ do_not_disturb: { peer_uid: 8 } }, { do_not_disturb: { peer_uid: "x", on: true } }],
    ];
    for (const body of wrong) assertPartnerFailure(await set(7, body));
    for (const uid of ["abc", 0, "1.5"]) assertPartnerFailure(await set(uid, { mute: true }));
    assert.deepEqual(await readPerson(app, appId, 7), { name: "Toby", muted: false });
  });

  await t.step("of a house app sets people of ours, and makes nobody", async () => {
    const house = await makeApp(app.ctx, { house: true });
    const [toby, anna] = [await makeChatPerson(app, "Toby"), await makeChatPerson(app, "Anna")];
    await makeFriends(app, toby, anna);
    const told: BusEvent[] = [];
    const stop = app.bus.subscribe((event) => void told.push(event));
    const body = { name: "Tobias", mute: true, do_not_disturb: { peer_uid: anna.userId, on: 1 } };
    const params = { uid: toby.userId };
    await askPartner(app, SET, { basic: house.basic, params, body });
    assert.deepEqual(await readPerson(app, 0, toby.userId), { name: "Tobias", muted: true });
    assert.deepEqual(await readPeers(app, 0, toby.userId), [{ peer: anna.userId, mute: true }]);
    await Promise.resolve();
    stop();
    const moments = told.filter((event) => event.kind === "moment");
    assert.deepEqual(
      moments.map(({ userIds }) => userIds),
      [[toby.userId, anna.userId]],
      "they and friends are told",
    );

    const nobody = { uid: toby.userId + 1_000 };
    const missing = [
      { params: nobody, body: { mute: true } },
      { params, body: { name: "X", do_not_disturb: { peer_uid: nobody.uid, on: true } } },
    ];
    for (const call of missing) {
      const answer = await callPartner(app, SET, { basic: house.basic, ...call });
      assertPartnerFailure(answer, "用户不存在");
    }
    assert.deepEqual(await readPerson(app, 0, toby.userId), { name: "Tobias", muted: true });
    assert.equal(await readPerson(app, 0, nobody.uid), undefined);
  });

  await t.step("is the partners', and the chat app keeps its own below /users", async () => {
    const { uid } = await makeUser(app.ctx, "Anna");
    const { token } = await makeChatPerson(app);
    assert.equal((await askIm(app, "GET", `/users/${uid}`, { token })).uid, uid);
    assertImFailure(await callIm(app, "GET", "/users/current", { token }));
    // With a token of the chat app too, the shape of the id decides.
    await askPartner(app, SET, {
      basic,
      params: { uid: 9 },
      body: { mute: 1 },
      headers: { token },
    });
    assert.deepEqual(await readPerson(app, appId, 9), { name: "", muted: true });
    const answer = await callPartner(app, "GET /users/{uid}", {
      params: { uid },
      headers: { token: "0".repeat(32) },
    });
    assert.deepEqual([answer.http, answer.envelope.status], [401, 401]);
  });

  await t.step("needs a server", async () => {
    await assertNeedsPartner(app, SET, { params: { uid: 7 }, body: { mute: true } });
  });
});
