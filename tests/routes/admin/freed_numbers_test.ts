import { eq, sql } from "drizzle-orm";
import assert from "node:assert/strict";
import { MIGRATIONS_FOLDER } from "../../../db/client/migrations.ts";
import { chatAccounts } from "../../../db/schema/chat.ts";
import { users, UserStatus } from "../../../db/schema/users.ts";
import { askAdmin, callAdmin } from "../../clients/admin.ts";
import { callGateway, logIn, requestCode } from "../../clients/gateway.ts";
import { assertImFailure, callIm, CHAT_PASSWORD, registerChat } from "../../clients/im.ts";
import { makeOperator } from "../../clients/ops.ts";
import { startTestApp, type TestApp } from "../../harness.ts";
import { makeAccount } from "../../people/chat_accounts.ts";

const GET = "GET /v1/admin/users/{uid}";
const PUT = "PUT /v1/admin/users/{uid}";
const DELETE = "DELETE /v1/admin/users/{uid}";
const MINUTE_MS = 60_000;

async function openPlace(app: TestApp) {
  const { token } = await makeOperator(app.ctx, "operator");
  const paramsOf = (id: number) => ({ token, params: { uid: String(id) } });
  return {
    remove: (id: number) => askAdmin(app, DELETE, paramsOf(id)),
    show: (id: number) => askAdmin(app, GET, paramsOf(id)),
    change: (id: number, body: object) => callAdmin(app, PUT, { ...paramsOf(id), body }),
    async idOf(uid: string) {
      const [row] = await app.ctx.db.select({ id: users.id }).from(users).where(eq(users.uid, uid));
      return row!.id;
    },
  };
}

const usernameOf = async ({ ctx }: TestApp, id: number) =>
  (await ctx.db.select().from(chatAccounts).where(eq(chatAccounts.userId, id)))[0]!.username;

Deno.test("the number of somebody deleted is free: whoever logs in with it is somebody new", async () => {
  await using app = await startTestApp();
  const { remove, show, change, idOf } = await openPlace(app);
  const mobile = "13812345678";
  const first = await logIn(app, { mobile });
  const profile = { nickname: "Toby", avatar: "https://cdn.example.com/a.png" };
  await callGateway(app, "POST", "/user/profile/init", { as: first, body: profile });
  const firstId = await idOf(first.uid);
  await remove(firstId);
  assert.equal((await show(firstId)).mobile, mobile, "operators see whose it was");

  app.clock.advance(2 * MINUTE_MS);
  const captcha = await requestCode(app, mobile);
  const body = { countryCode: "86", mobile, captcha };
  const entered = await callGateway(app, "POST", "/account/login/captcha", { body });
  assert.deepEqual([entered.status, entered.message], [1, "注册成功"]);
  const second = entered.result;
  assert.notEqual(second.uid, first.uid);
  const read = await callGateway(app, "GET", `/user/${second.uid}/profile`, { as: second });
  assert.equal(read.errorCode, 200000, "an empty profile");

  const restored = await change(firstId, { status: 1 });
  assert.deepEqual([restored.http, restored.data.data.mobile], [200, ""]);
  assert.equal((await show(await idOf(second.uid))).mobile, mobile);
});

Deno.test("the chat app registers with a freed number, and not with the old password", async () => {
  await using app = await startTestApp();
  const { remove, idOf, change } = await openPlace(app);
  const old = await makeAccount(app);
  await remove(old.userId);
  const enter = () =>
    callIm(app, "POST", "/user/login", {
      body: { username: `0086${old.phone}`, password: CHAT_PASSWORD, flag: 1 },
    });
  assertImFailure(await enter(), 400, "用户名或密码错误");
  const { uid } = await registerChat(app, "Tony", {
    phone: old.phone,
    code: await codeFor(app, old.phone),
  });
  assert.notEqual(uid, old.uid);
  assert.equal((await enter()).data.uid, uid);
  await change(old.userId, { status: 1 });
  assert.equal(await usernameOf(app, old.userId), old.uid);
  assert.equal(await usernameOf(app, await idOf(uid)), `0086${old.phone}`);
});

const codeFor = async (app: TestApp, phone: string) => {
  await callIm(app, "POST", "/user/sms/registercode", { body: { zone: "0086", phone } });
  return app.providers.outbox!.list({ to: `86${phone}` })[0]!.code!;
};

Deno.test("an operator gives the number to somebody else, and none to who stays deleted", async () => {
  await using app = await startTestApp();
  const { remove, show, change } = await openPlace(app);
  const [old, other] = [await makeAccount(app), await makeAccount(app)];
  await remove(old.userId);
  const given = await change(other.userId, { mobile: old.phone });
  assert.deepEqual([given.http, given.data.data.mobile], [200, old.phone]);
  assert.equal(await usernameOf(app, other.userId), `0086${old.phone}`);

  assert.equal((await change(old.userId, { mobile: other.phone })).http, 200);
  assert.equal((await show(old.userId)).mobile, other.phone);
  await logIn(app, { mobile: other.phone });
});

Deno.test("the migration frees the numbers of those who were deleted before it, and no others", async () => {
  await using app = await startTestApp();
  const { ctx: { db } } = app;
  const [gone, there, named] = [
    await makeAccount(app),
    await makeAccount(app),
    await makeAccount(app),
  ];
  for (const { userId } of [gone, named]) {
    await db.update(users).set({ status: UserStatus.deleted }).where(eq(users.id, userId));
  }
  await db.update(chatAccounts).set({ username: "toby" })
    .where(eq(chatAccounts.userId, named.userId));
  const file = await Deno.readTextFile(`${MIGRATIONS_FOLDER}/0032_freed_numbers.sql`);
  const updates = file.split("--> statement-breakpoint").filter((it) => it.includes("UPDATE"));
  for (const statement of updates) await db.execute(sql.raw(statement));

  const numbersOf = async (id: number) => {
    const [row] = await db.select().from(users).where(eq(users.id, id));
    return [row!.mobile, row!.freedCountryCode, row!.freedMobile];
  };
  assert.equal(updates.length, 2);
  assert.deepEqual(await numbersOf(gone.userId), [null, "86", gone.phone]);
  assert.deepEqual(await numbersOf(there.userId), [there.phone, null, null]);
  assert.equal(await usernameOf(app, gone.userId), gone.uid);
  assert.equal(await usernameOf(app, there.userId), `0086${there.phone}`);
  assert.equal(await usernameOf(app, named.userId), "toby", "of their own choice");
  assert.notEqual((await logIn(app, { mobile: gone.phone })).uid, gone.uid);
});
