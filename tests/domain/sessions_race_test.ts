import { and, eq, isNull } from "drizzle-orm";
import assert from "node:assert/strict";
import { openSessionFor } from "../../db/domain/chat_accounts/log_in.ts";
import { sendCaptcha } from "../../db/domain/captchas/send_captcha.ts";
import { DomainError } from "../../db/domain/errors.ts";
import { logInByMobile } from "../../db/domain/users/log_in_by_mobile.ts";
import { captchaAudit } from "../../db/schema/captchas.ts";
import { SessionKind, sessions } from "../../db/schema/sessions.ts";
import { users } from "../../db/schema/users.ts";
import { startTestApp } from "../harness.ts";
import { makeUser } from "../people/factories.ts";
import { openPatiently, startPostgres } from "../services/postgres.ts";

Deno.test("many at once, on a real Postgres", async (t) => {
  await using server = await startPostgres();
  if (!server) return;
  const database = openPatiently(await server.newDatabase());
  const app = await startTestApp({ database });
  const { ctx } = app;
  const address = "192.0.2.1";

  await t.step("logins of one new number make one account and leave one session", async () => {
    const mobile = { countryCode: "86", number: "13800000001" };
    const client = { clientType: 1, versionName: undefined, versionCode: undefined, address };
    const logins = await Promise.all(
      Array.from({ length: 8 }, () => logInByMobile(ctx, { mobile, client })),
    );
    assert.equal(new Set(logins.map(({ uid }) => uid)).size, 1);
    assert.equal(logins.filter(({ registered }) => registered).length, 1);
    const [person] = await ctx.db.select().from(users).where(eq(users.uid, logins[0]!.uid));
    assert.equal(person!.appUid, person!.id);
    const live = await ctx.db.select().from(sessions)
      .where(and(eq(sessions.userId, person!.id), isNull(sessions.revokedAt)));
    assert.equal(live.length, 1);
  });

  await t.step("logins in many browsers leave ten sessions, in one browser one", async () => {
    const { id } = await makeUser(ctx, "Toby");
    const client = { clientType: 0, versionName: undefined, versionCode: undefined, address };
    const logIn = (deviceId: string) =>
      openSessionFor(ctx, {
        userId: id,
        kind: SessionKind.web,
        client,
        device: { deviceId, name: "", model: "" },
      });
    const liveOf = () =>
      ctx.db.select().from(sessions)
        .where(and(eq(sessions.userId, id), isNull(sessions.revokedAt)));
    await Promise.all(Array.from({ length: 16 }, (_, at) => logIn(`browser ${at}`)));
    assert.equal((await liveOf()).length, 10);
    await Promise.all(Array.from({ length: 4 }, () => logIn("one browser")));
    const live = await liveOf();
    assert.equal(live.length, 10);
    assert.equal(new Set(live.map(({ deviceId }) => deviceId)).size, 10);
  });

  await t.step("asking for a code to one number sends one", async () => {
    const mobile = { countryCode: "86", number: "13800000002" };
    let delivered = 0;
    const deliver = () => Promise.resolve(void delivered++);
    const results = await Promise.allSettled(
      Array.from(
        { length: 50 },
        () => sendCaptcha(ctx, { purpose: "login", mobile, address, deliver }),
      ),
    );
    assert.equal(delivered, 1);
    const refusals = results.filter((result) => result.status === "rejected");
    assert.equal(refusals.length, 49);
    for (const { reason } of refusals) {
      assert.equal((reason as DomainError).kind, "captcha_too_soon");
    }
    assert.equal(
      await ctx.db.$count(captchaAudit, eq(captchaAudit.mobile, mobile.number)),
      1,
    );
  });

  await app[Symbol.asyncDispose]();
  await database.close();
});
