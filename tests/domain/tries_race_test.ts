import { eq } from "drizzle-orm";
import assert from "node:assert/strict";
import type { Ctx } from "../../db/client/ctx.ts";
import { checkCaptcha } from "../../db/domain/captchas/check_captcha.ts";
import type { Mobile } from "../../db/domain/captchas/rules.ts";
import { sendCaptcha } from "../../db/domain/captchas/send_captcha.ts";
import { takeCaptcha } from "../../db/domain/captchas/take_captcha.ts";
import { captchaAudit, captchaSends } from "../../db/schema/captchas.ts";
import { tries } from "../../db/schema/guards.ts";
import { startTestApp } from "../harness.ts";
import { openPatiently, startPostgres } from "../services/postgres.ts";
import { race } from "./race_place.ts";

const REFUSALS = ["captcha_wrong", "tries_spent"];
const times = <T>(count: number, make: (at: number) => T) =>
  Array.from({ length: count }, (_, at) => make(at));
const countOf = (answers: string[], kind: string) => answers.filter((it) => it === kind).length;
const otherThan = (code: string) => code === "000000" ? "000001" : "000000";

let lastNumber = 13_600_000_000;
const freshMobile = (): Mobile => ({ countryCode: "86", number: String(++lastNumber) });

async function codeFor(ctx: Ctx, mobile: Mobile): Promise<string> {
  let sent = "";
  const deliver = ({ code }: { code: string }) => Promise.resolve(void (sent = code));
  await sendCaptcha(ctx, { purpose: "login", mobile, address: "192.0.2.1", deliver });
  return sent;
}

// On a real server: PGlite has one connection, on which nothing ever races.
Deno.test("tries at codes, many at once, on a real Postgres", async (t) => {
  await using server = await startPostgres();
  if (!server) return;
  const database = openPatiently(await server.newDatabase());
  const app = await startTestApp({ database });
  const { ctx } = app;
  const take = (mobile: Mobile, code: string, address: string) => async () =>
    void await takeCaptcha(ctx, { purpose: "login", mobile, code, address });

  await t.step("30 tries with the right code: one gets in", async () => {
    const mobile = freshMobile();
    const code = await codeFor(ctx, mobile);
    const answers = await race(REFUSALS, times(30, () => take(mobile, code, "198.51.100.1")));
    assert.equal(countOf(answers, "done"), 1);
  });

  await t.step("30 from 30 networks with the right code: one gets in", async () => {
    const mobile = freshMobile();
    const code = await codeFor(ctx, mobile);
    const answers = await race(REFUSALS, times(30, (at) => take(mobile, code, `198.51.100.${at}`)));
    assert.deepEqual([countOf(answers, "done"), countOf(answers, "captcha_wrong")], [1, 29]);
  });

  await t.step(
    "of 200 guesses of one network five are looked at, of an IPv6 site fifty",
    async () => {
      const mobile = freshMobile();
      const wrong = otherThan(await codeFor(ctx, mobile));
      const answers = await race(REFUSALS, times(200, () => take(mobile, wrong, "198.51.100.1")));
      assert.deepEqual([countOf(answers, "captcha_wrong"), countOf(answers, "tries_spent")], [
        5,
        195,
      ]);
      const site = await race(
        REFUSALS,
        times(200, (at) => take(mobile, wrong, `2001:db8:0:${at.toString(16)}::1`)),
      );
      assert.equal(countOf(site, "captcha_wrong"), 50);
    },
  );

  await t.step("of 300 guesses of 300 networks a hundred are looked at in a day", async () => {
    const mobile = freshMobile();
    const code = await codeFor(ctx, mobile);
    const wrong = otherThan(code);
    const answers = await race(
      REFUSALS,
      times(300, (at) => take(mobile, wrong, `203.0.${at >> 8}.${at & 255}`)),
    );
    assert.equal(countOf(answers, "captcha_wrong"), 100);
    assert.deepEqual(await race(REFUSALS, [take(mobile, code, "198.51.100.7")]), ["tries_spent"]);
    // Whoever asked for the code is known for it.
    assert.deepEqual(await race(REFUSALS, [take(mobile, code, "192.0.2.1")]), ["done"]);
  });

  await t.step("right ones do not count, however many there are", async () => {
    const mobile = freshMobile();
    const given = { purpose: "login", mobile, code: await codeFor(ctx, mobile) } as const;
    const check = () => checkCaptcha(ctx, { ...given, address: "198.51.100.1" });
    for (let at = 0; at < 8; at++) await check();
    await Promise.all(times(5, check));
    const kept = await ctx.db.select().from(tries)
      .where(eq(tries.subject, `codes:86:${mobile.number}`));
    assert.deepEqual(kept.map(({ leftCount }) => leftCount), [100]);
  });

  await t.step("of 50 asking for both codes at once one is sent, and counted", async () => {
    const mobile = freshMobile();
    let sentCount = 0;
    const deliver = () => Promise.resolve(void sentCount++);
    const ask = (at: number) => async () => {
      const purpose = at % 2 === 0 ? "login" : "register";
      await sendCaptcha(ctx, { purpose, mobile, address: `198.51.100.${at}`, deliver });
    };
    const answers = await race(["captcha_too_soon"], times(50, ask));
    assert.deepEqual([sentCount, countOf(answers, "done")], [1, 1]);
    assert.equal(await ctx.db.$count(captchaAudit, eq(captchaAudit.mobile, mobile.number)), 1);
    const [row] = await ctx.db.select().from(captchaSends)
      .where(eq(captchaSends.mobile, mobile.number));
    assert.equal(row!.sentAt.length, 1);
  });

  await app[Symbol.asyncDispose]();
  await database.close();
});
