import { eq } from "drizzle-orm";
import assert from "node:assert/strict";
import { cards } from "../../../db/schema/cards.ts";
import { pendingWork } from "../../../db/schema/jobs.ts";
import { users, UserStatus } from "../../../db/schema/users.ts";
import { callGateway, type GatewayLogin, logIn, registerPerson } from "../../clients/gateway.ts";
import { startTestApp, type TestApp } from "../../harness.ts";
import { walkPages } from "./walk_pages.ts";

const card = (app: TestApp, as: GatewayLogin, uid: string, method = "POST") => {
  app.clock.advance(2_000);
  return callGateway(app, method, `/user/${uid}/card`, { as });
};
const list = (app: TestApp, as: GatewayLogin, query: Record<string, string> = { count: "10" }) =>
  callGateway(app, "GET", "/user/card", { as, query });
const uidsOf = (items: { uid: string }[]) => items.map(({ uid }) => uid);

/** What somebody else sees of a person's cards, and how many messages and pushes the person got. */
async function standing(app: TestApp, person: GatewayLogin, sender: GatewayLogin) {
  const profile = await callGateway(app, "GET", `/user/${person.uid}/profile`, { as: sender });
  const unread = await callGateway(app, "GET", "/user/message/unread_total", { as: person });
  return {
    sendCard: profile.result.sendCard,
    cardTotal: profile.result.cardTotal,
    unread: unread.result,
    pushes: await app.database.db.$count(pendingWork),
  };
}

Deno.test("POST /user/{uid}/card", async (t) => {
  await using app = await startTestApp();
  const sender = await registerPerson(app, "Toby");
  const receiver = await registerPerson(app, "Tony");

  await t.step("gives a card, with a message and a push", async () => {
    const { http, status, message, result } = await card(app, sender, receiver.uid);
    assert.deepEqual({ http, status, message, result }, {
      http: 200,
      status: 1,
      message: "对方已收到你的名片",
      result: {},
    });
    assert.deepEqual(await standing(app, receiver, sender), {
      sendCard: 1,
      cardTotal: 1,
      unread: 1,
      pushes: 1,
    });
    const messages = await callGateway(app, "GET", "/user/message", {
      as: receiver,
      query: { count: "10" },
    });
    const [{ messageId, userMessageResult }] = messages.result.list;
    const messageBody = {
      title: "有人给你发了名片",
      content: "Toby",
      url: `chaoqer://profile/${sender.uid}`,
    };
    assert.deepEqual(userMessageResult.messageBody, messageBody);
    assert.deepEqual(
      [userMessageResult.originUid, userMessageResult.originPushType],
      [sender.uid, 2],
    );
    const [work] = await app.database.db.select().from(pendingWork);
    const [row] = await app.database.db.select().from(users).where(eq(users.uid, receiver.uid));
    const url = `profile/${sender.uid}`;
    const payload = { ...messageBody, url, userId: row!.id, notificationId: messageId };
    assert.deepEqual(work!.payload, payload);
  });

  await t.step("again, while it is held, is a success and nothing happens", async () => {
    const before = (await list(app, receiver)).result;
    assert.equal((await card(app, sender, receiver.uid)).message, "对方已收到你的名片");
    assert.deepEqual((await list(app, receiver)).result, before);
    assert.deepEqual(await standing(app, receiver, sender), {
      sendCard: 1,
      cardTotal: 1,
      unread: 0,
      pushes: 1,
    });
  });

  await t.step("after it was thrown away gives it anew", async () => {
    await card(app, receiver, sender.uid, "DELETE");
    const later = app.clock.now().getTime();
    await card(app, sender, receiver.uid);
    assert.deepEqual(await standing(app, receiver, sender), {
      sendCard: 1,
      cardTotal: 1,
      unread: 1,
      pushes: 2,
    });
    assert.ok((await list(app, receiver)).result.list[0].createTime > later);
  });

  await t.step(
    "to who has blocked the sender is kept from them; the sender cannot tell",
    async () => {
      const blocker = await registerPerson(app, "Anna");
      await callGateway(app, "POST", `/user/${sender.uid}/block`, { as: blocker });
      for (let time = 0; time < 2; time++) {
        const { status, message, result } = await card(app, sender, blocker.uid);
        assert.deepEqual([status, message, result], [1, "对方已收到你的名片", {}]);
        assert.deepEqual((await list(app, blocker)).result.list, []);
        // As after any card; to everybody else there is none.
        const { sendCard, cardTotal, unread, pushes } = await standing(app, blocker, sender);
        assert.deepEqual([sendCard, cardTotal, unread, pushes], [1, 1, 0, 2]);
        assert.equal((await standing(app, blocker, receiver)).cardTotal, 0);
        await card(app, blocker, sender.uid, "DELETE");
        assert.equal((await standing(app, blocker, sender)).sendCard, 1);
      }
      const [, refused, ...more] = await app.database.db.select().from(cards);
      assert.ok(refused!.deletedAt);
      assert.deepEqual(more, []);

      await callGateway(app, "DELETE", `/user/${sender.uid}/block`, { as: blocker });
      await card(app, sender, blocker.uid);
      assert.equal((await standing(app, blocker, sender)).unread, 1);
      assert.deepEqual(uidsOf((await list(app, blocker)).result.list), [sender.uid]);
    },
  );

  await t.step("to oneself fails", async () => {
    const refused = await card(app, sender, sender.uid);
    assert.deepEqual([refused.http, refused.status, refused.errorCode], [200, 0, 0]);
    assert.deepEqual((await list(app, sender)).result.list, []);
  });

  await t.step("to nobody, somebody nameless and somebody deleted is 200002", async () => {
    const [nameless, gone] = [await logIn(app), await registerPerson(app)];
    await app.database.db.update(users).set({ status: UserStatus.deleted })
      .where(eq(users.uid, gone.uid));
    for (const uid of ["0".repeat(32), "0".repeat(24), nameless.uid, gone.uid]) {
      assert.equal((await card(app, sender, uid)).errorCode, 200002);
    }
  });

  await t.step("to what is no uid is 404, without credentials 401", async () => {
    assert.equal((await card(app, sender, "xyz")).http, 404);
    assert.equal((await callGateway(app, "POST", `/user/${receiver.uid}/card`)).http, 401);
  });
});

Deno.test("DELETE /user/{uid}/card", async (t) => {
  await using app = await startTestApp();
  const sender = await registerPerson(app, "Toby");
  const receiver = await registerPerson(app, "Tony");
  await card(app, sender, receiver.uid);

  await t.step("by the sender does nothing: it is the receiver's", async () => {
    assert.equal((await card(app, sender, receiver.uid, "DELETE")).status, 1);
    assert.equal((await standing(app, receiver, sender)).cardTotal, 1);
  });

  await t.step(
    "throws away the card somebody sent; again, or without one, is a success",
    async () => {
      for (const uid of [sender.uid, sender.uid, receiver.uid, "0".repeat(32)]) {
        const { status, message, result } = await card(app, receiver, uid, "DELETE");
        assert.deepEqual([status, message, result], [1, "删除成功", {}]);
        const { cardTotal, sendCard } = await standing(app, receiver, sender);
        assert.deepEqual([cardTotal, sendCard], [0, 0]);
      }
      assert.deepEqual((await list(app, receiver)).result.list, []);
    },
  );

  await t.step("of what is no uid is 404, without credentials 401", async () => {
    assert.equal((await card(app, sender, "xyz", "DELETE")).http, 404);
    assert.equal((await callGateway(app, "DELETE", `/user/${sender.uid}/card`)).http, 401);
  });
});

Deno.test("GET /user/card", async (t) => {
  await using app = await startTestApp();
  const receiver = await registerPerson(app, "Tony");
  const senders: GatewayLogin[] = [];
  for (const name of ["A", "B", "C", "D", "E"]) {
    senders.unshift(await registerPerson(app, name));
    await card(app, senders[0]!, receiver.uid);
  }

  await t.step("answers as the contract's sample, newest first", async () => {
    await card(app, receiver, senders[0]!.uid);
    const { result } = await list(app, receiver);
    assert.deepEqual(result.page, { count: 10 });
    assert.deepEqual(uidsOf(result.list), uidsOf(senders));
    const [first] = result.list;
    assert.deepEqual(first, {
      createTime: first.createTime,
      sequenceId: `${first.createTime}:${senders[0]!.uid}`,
      uid: senders[0]!.uid,
      userProfileResult: {
        avatar: "https://cdn.example.com/a.png",
        bio: "",
        blocked: 0,
        nickname: "E",
        sendCard: 1,
        cardTotal: 1,
        uid: senders[0]!.uid,
        allowLive: 1,
      },
    });
  });

  await t.step("goes on behind lastId, also when all came in one millisecond", async () => {
    for (const oneTime of [false, true]) {
      if (oneTime) await app.database.db.update(cards).set({ createdAt: new Date(1616747477657) });
      const whole = (await list(app, receiver)).result.list;
      const walked = await walkPages((query) => list(app, receiver, query));
      assert.deepEqual(walked, whole);
      assert.deepEqual(walked.map(({ uid }) => uid).sort(), uidsOf(senders).sort());
    }
  });

  await t.step("leaves out what was thrown away, and is each person's own", async () => {
    await card(app, receiver, senders[2]!.uid, "DELETE");
    const left = uidsOf((await list(app, receiver)).result.list);
    assert.equal(left.length, 4);
    assert.ok(!left.includes(senders[2]!.uid));
    assert.deepEqual((await list(app, senders[1]!)).result.list, []);
  });

  await t.step("wants a count of 1 to 100, a lastId that it gave, and credentials", async () => {
    for (const query of [{ count: "0" }, { count: "101" }, { count: "1", lastId: "x" }]) {
      const refused = await list(app, receiver, query as Record<string, string>);
      assert.deepEqual([refused.http, refused.status, refused.errorCode], [200, 0, 0]);
    }
    assert.equal(
      (await callGateway(app, "GET", "/user/card", { query: { count: "1" } })).http,
      401,
    );
  });
});
