import { eq } from "drizzle-orm";
import assert from "node:assert/strict";
import { withTx } from "../../../db/client/ctx.ts";
import { type Notice, notify, notifyAll } from "../../../db/domain/notifications/notify.ts";
import { NOTIFY_COUNT_MAX } from "../../../db/domain/notifications/rules.ts";
import { pendingWork } from "../../../db/schema/jobs.ts";
import { NotificationOrigin, notifications } from "../../../db/schema/notifications.ts";
import { users } from "../../../db/schema/users.ts";
import { callGateway, type GatewayLogin, logIn, registerPerson } from "../../clients/gateway.ts";
import { startTestApp, type TestApp } from "../../harness.ts";

/** As one was kept before the scheme could be chosen. */
const NOTICE: Notice = {
  origin: NotificationOrigin.system,
  title: "有人邀请你参加活动",
  content: "这是一条测试\n嘎嘎嘎",
  url: "plaza://room/73470423d7154aeb89cb61aec025a7f2",
  push: false,
};

const SHOWN_URL = "chaoqer://room/73470423d7154aeb89cb61aec025a7f2";

const idOf = async (app: TestApp, { uid }: GatewayLogin) =>
  (await app.database.db.select().from(users).where(eq(users.uid, uid)))[0]!.id;
const list = (app: TestApp, as: GatewayLogin, query: Record<string, string> = { count: "10" }) =>
  callGateway(app, "GET", "/user/message", { as, query });
const unreadTotal = async (app: TestApp, as: GatewayLogin) =>
  (await callGateway(app, "GET", "/user/message/unread_total", { as })).result;

Deno.test("GET /user/message", async (t) => {
  await using app = await startTestApp();
  const person = await registerPerson(app, "Toby");
  const other = await registerPerson(app, "Tony");
  const [userId, originUserId] = [await idOf(app, person), await idOf(app, other)];

  await t.step("answers as the contract's sample", async () => {
    const messageId = await notify(app.ctx, {
      ...NOTICE,
      origin: NotificationOrigin.interactive,
      userId,
      originUserId,
    });
    const { message, result } = await list(app, person);
    const [item] = result.list;
    const { createTime } = item.userMessageResult;
    assert.equal(message, "Success");
    assert.deepEqual(result, {
      page: { count: 10 },
      list: [{
        messageId,
        sequenceId: String(messageId),
        userMessageResult: {
          createTime,
          messageBody: { title: NOTICE.title, content: NOTICE.content, url: SHOWN_URL },
          messageId,
          messageType: 0,
          originPushType: 2,
          originUid: other.uid,
          uid: person.uid,
          unread: 1,
        },
      }],
    });
    assert.ok(Math.abs(createTime - app.clock.now().getTime()) < 60_000);
    // Microseconds of that very time.
    assert.equal(Math.floor(messageId! / 1e6), Math.floor(createTime / 1e3));
  });

  await t.step("shows a message unread once", async () => {
    assert.equal((await list(app, person)).result.list[0].userMessageResult.unread, 0);
  });

  await t.step("has no originUid for what nobody caused", async () => {
    await notify(app.ctx, { ...NOTICE, userId });
    const [item] = (await list(app, person)).result.list;
    assert.deepEqual(
      [item.userMessageResult.originUid, item.userMessageResult.originPushType],
      ["", 0],
    );
  });

  await t.step("goes on behind lastId, newest first, flagging what it loads alone", async () => {
    for (let at = 0; at < 5; at++) await notify(app.ctx, { ...NOTICE, title: `${at}`, userId });
    const page = async (lastId?: string) =>
      (await list(app, person, { count: "2", ...lastId && { lastId } })).result.list;
    const brief = (items: Awaited<ReturnType<typeof page>>) =>
      items.map(({ userMessageResult: { messageBody, unread } }: {
        userMessageResult: { messageBody: { title: string }; unread: number };
      }) => `${messageBody.title}:${unread}`);

    const first = await page();
    assert.deepEqual(brief(first), ["4:1", "3:1"]);
    assert.deepEqual(brief(await page()), ["4:0", "3:0"]);
    const second = await page(first[1].sequenceId);
    assert.deepEqual(brief(second), ["2:1", "1:1"]);
    const third = await page(second[1].sequenceId);
    assert.deepEqual(brief(third), ["0:1", `${NOTICE.title}:0`]);
    const fourth = await page(third[1].sequenceId);
    assert.deepEqual(brief(fourth), [`${NOTICE.title}:0`]);
    assert.deepEqual(await page(fourth[0].sequenceId), []);
    const rows = await app.database.db.select().from(notifications);
    assert.ok(rows.every(({ readAt }) => readAt !== null));
  });

  await t.step("shows nobody else's", async () => {
    assert.deepEqual((await list(app, other)).result, { page: { count: 10 }, list: [] });
  });

  await t.step("wants a count of 1 to 100 and a lastId that it gave", async () => {
    for (const count of ["0", "101", "x"]) {
      const refused = await list(app, person, { count });
      assert.deepEqual([refused.http, refused.status, refused.errorCode], [200, 0, 0], count);
    }
    for (const lastId of ["x", "1:00", "-1", "1.5", "9".repeat(16), "9".repeat(40)]) {
      assert.equal((await list(app, person, { count: "1", lastId })).status, 0, lastId);
    }
  });

  await t.step("without credentials is 401, without a profile 200000", async () => {
    const query = { count: "1" };
    assert.equal((await callGateway(app, "GET", "/user/message", { query })).http, 401);
    assert.equal((await list(app, await logIn(app))).errorCode, 200000);
  });
});

Deno.test("GET /user/message/unread_total", async (t) => {
  await using app = await startTestApp();
  const person = await registerPerson(app, "Toby");
  const userId = await idOf(app, person);

  await t.step("is a bare number, the messages since the list was last fetched", async () => {
    assert.equal(await unreadTotal(app, person), 0);
    for (let at = 0; at < 5; at++) await notify(app.ctx, { ...NOTICE, userId });
    assert.equal(await unreadTotal(app, person), 5);
    assert.equal(await unreadTotal(app, person), 5, "asking is not looking");
  });

  await t.step("is 0 after any page, a later one or an empty one as well", async () => {
    await list(app, person, { count: "1" });
    assert.equal(await unreadTotal(app, person), 0);
    await notify(app.ctx, { ...NOTICE, userId });
    await list(app, person, { count: "1", lastId: "1" });
    assert.equal(await unreadTotal(app, person), 0);
    await notify(app.ctx, { ...NOTICE, userId });
    assert.equal(await unreadTotal(app, person), 1);
  });

  await t.step("is each person's own, and there before the profile is", async () => {
    const other = await logIn(app);
    assert.equal(await unreadTotal(app, other), 0);
    await notify(app.ctx, { ...NOTICE, userId: await idOf(app, other) });
    assert.equal(await unreadTotal(app, other), 1);
    assert.equal(await unreadTotal(app, person), 1);
  });

  await t.step("without credentials is 401", async () => {
    assert.equal((await callGateway(app, "GET", "/user/message/unread_total")).http, 401);
  });
});

Deno.test("notifying somebody", async (t) => {
  await using app = await startTestApp();
  const people = [await registerPerson(app), await registerPerson(app), await registerPerson(app)];
  const userIds = await Promise.all(people.map((person) => idOf(app, person)));
  const [userId] = userIds as [number];
  const work = () => app.database.db.select().from(pendingWork);

  await t.step("enters a push once when asked to", async () => {
    assert.deepEqual(await work(), []);
    await notify(app.ctx, { ...NOTICE, userId });
    assert.deepEqual(await work(), []);
    const notificationId = await notify(app.ctx, { ...NOTICE, userId, push: true });
    const [row, ...more] = await work();
    assert.deepEqual(more, []);
    const { title, content, url } = NOTICE;
    assert.deepEqual(row!.payload, { userId, title, content, url, notificationId });
    assert.deepEqual([row!.kind, row!.dedupeKey], ["push", `push:${notificationId}`]);
    assert.deepEqual([row!.doneAt, row!.deadAt], [null, null]);
    assert.deepEqual(row!.dueAt, row!.createdAt);
  });

  await t.step("is undone with the caller's transaction", async () => {
    const before = await unreadTotal(app, people[0]!);
    await assert.rejects(withTx(app.ctx, async (tx) => {
      await notify(tx, { ...NOTICE, userId, push: true });
      throw new Error("changed my mind");
    }));
    assert.equal(await unreadTotal(app, people[0]!), before);
    assert.equal((await work()).length, 1);
  });

  await t.step("who is not there is nothing", async () => {
    assert.equal(await notify(app.ctx, { ...NOTICE, userId: 1, push: true }), undefined);
    assert.equal((await work()).length, 1);
  });

  await t.step("several people each get one of their own, at most so many at once", async () => {
    const ids = await notifyAll(app.ctx, { ...NOTICE, userIds, push: true });
    assert.deepEqual([...ids.keys()].sort(), [...userIds].sort());
    assert.equal(new Set(ids.values()).size, 3);
    assert.equal((await work()).length, 4);
    const crowd = Array.from({ length: NOTIFY_COUNT_MAX + 1 }, (_, at) => at);
    await assert.rejects(notifyAll(app.ctx, { ...NOTICE, userIds: crowd }), RangeError);
  });

  await t.step("ids rise, thousands in one millisecond or not, and are safe numbers", async () => {
    const now = app.clock.now();
    const ctx = { ...app.ctx, now: () => now };
    let last = 0;
    for (let at = 0; at < 1_200; at++) {
      const id = await notify(ctx, { ...NOTICE, userId });
      assert.ok(id! > last && Number.isSafeInteger(id), `${id} after ${last}`);
      last = id!;
    }
  });
});
