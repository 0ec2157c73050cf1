import { eq } from "drizzle-orm";
import assert from "node:assert/strict";
import { hashPassword } from "../../db/domain/chat_accounts/password.ts";
import { issuePayToken } from "../../db/domain/wallet/issue_pay_token.ts";
import { createRecharge } from "../../db/domain/wallet/recharge.ts";
import { PAY_LOCK_MS } from "../../db/domain/wallet/rules.ts";
import { recharges } from "../../db/schema/ledger.ts";
import { payTokens, wallets } from "../../db/schema/wallets.ts";
import { giveMoney, walletOf } from "../people/money.ts";
import { startPostgres } from "../services/postgres.ts";
import { openPlace, race } from "./race_place.ts";

// On a real server: PGlite has one connection, on which nothing ever races.
const postgres = await startPostgres();
Deno.test.afterAll(async () => await postgres?.[Symbol.asyncDispose]());
const ignore = !postgres;

const times = <T>(count: number, make: (at: number) => T) =>
  Array.from({ length: count }, (_, at) => make(at));
const countOf = (answers: string[], kind: string) => answers.filter((it) => it === kind).length;

Deno.test({
  name: "of 1,000 guesses of a pay password at once five are compared, also after the lock",
  ignore,
}, async () => {
  let nowMs = Date.now();
  await using place = await openPlace(postgres!, { peopleCount: 1, now: () => new Date(nowMs) });
  const { ctx, people: [toby] } = place;
  const { userId } = toby!;
  const payPasswordHash = await hashPassword("246810");
  await ctx.db.insert(wallets).values({ userId, payPasswordHash, createdAt: ctx.now() });
  await giveMoney(ctx, toby!, 100);
  const guess = (password: string) => async () =>
    void await issuePayToken(ctx, { userId, amount: 1, item: "transfer", password });
  const refusals = ["pay_password_wrong", "pay_password_locked"];

  for (let round = 1; round <= 2; round++) {
    const answers = await race(
      refusals,
      times(1_000, (at) => guess(String(at).padStart(6, "0"))),
    );
    assert.equal(countOf(answers, "pay_password_wrong"), 5);
    assert.equal(countOf(answers, "pay_password_locked"), 995);
    assert.deepEqual(await race(refusals, [guess("246810")]), ["pay_password_locked"]);
    nowMs += PAY_LOCK_MS - 1;
    assert.deepEqual(await race(refusals, [guess("246810")]), ["pay_password_locked"]);
    nowMs += 1;
  }
  assert.deepEqual(await race([], [guess("246810")]), ["done"]);
  assert.equal(await ctx.db.$count(payTokens, eq(payTokens.userId, userId)), 1);
  const [wallet] = await ctx.db.select().from(wallets);
  assert.deepEqual([wallet!.payTryCount, wallet!.payLockedUntil], [0, null]);
});

Deno.test({ name: "200 recharges of one key at once are one", ignore }, async () => {
  await using place = await openPlace(postgres!, { peopleCount: 1 });
  const { people: [toby] } = place;
  const { ctx } = place;
  const input = {
    userId: toby!.userId,
    amount: 700,
    channelType: 1,
    isCreditedAtOnce: true,
    operationKey: "a",
  } as const;
  const numbers = await Promise.all(times(200, () => createRecharge(ctx, input)));
  assert.equal(new Set(numbers).size, 1);
  assert.equal(await ctx.db.$count(recharges), 1);
  assert.equal(await walletOf(ctx, toby!), 700);
});
