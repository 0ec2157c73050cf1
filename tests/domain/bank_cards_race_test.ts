import { sql } from "drizzle-orm";
import assert from "node:assert/strict";
import { deriveKeys } from "../../config/keys.ts";
import type { Ctx } from "../../db/client/ctx.ts";
import { bindCard } from "../../db/domain/payment_methods/bind_card.ts";
import { listCards } from "../../db/domain/payment_methods/card_reads.ts";
import { CARD_COUNT_MAX } from "../../db/domain/payment_methods/card_rules.ts";
import { cardNumber, idNumber } from "../routes/im/card_numbers.ts";
import { startPostgres } from "../services/postgres.ts";
import { openPlace, race } from "./race_place.ts";

// On a real server: PGlite has one connection, on which nothing ever races.
const postgres = await startPostgres();
Deno.test.afterAll(async () => await postgres?.[Symbol.asyncDispose]());
const ignore = !postgres;

const keys = deriveKeys({ secretKey: "a secret key that only tests know" });
const withKeys = (ctx: Ctx): Ctx => ({ ...ctx, config: { keys } as Ctx["config"] });
const times = <T>(count: number, make: (at: number) => T) =>
  Array.from({ length: count }, (_, at) => make(at));

/** A debit card of the China Merchants Bank whose holder has the id number of this serial. */
function cardOf(userId: number, { serial, holder }: { serial: number; holder: number }) {
  return {
    userId,
    cardNumber: cardNumber("622588", 16, serial),
    bankCode: "CMB",
    cardType: "DC" as const,
    phone: "13800138000",
    holderName: `Holder ${holder}`,
    idNo: idNumber("310225", "19900101", holder),
  };
}
const positionsOf = async ({ db }: Ctx, userId: number) =>
  (await db.execute<{ position: number }>(sql`
    select position from payment_methods where user_id = ${userId} order by position`))
    .rows.map(({ position }) => position);

Deno.test(
  { name: "of first cards of several holders at once one holder becomes the real name", ignore },
  async () => {
    await using place = await openPlace(postgres!, { peopleCount: 10 });
    const ctx = withKeys(place.ctx);
    for (const { userId } of place.people) {
      const runs = times(
        6,
        (at) => () => bindCard(ctx, cardOf(userId, { serial: at, holder: at })),
      );
      const outcomes = await race(["bank_card_holder"], runs);
      assert.equal(outcomes.filter((it) => it === "done").length, 1, outcomes.join());
      assert.equal((await listCards(ctx, { userId })).length, 1);
    }
    const { rows } = await ctx.db.execute(sql`select from real_names`);
    assert.equal(rows.length, place.people.length);
  },
);

Deno.test(
  { name: "of one card bound several times at once one binding succeeds", ignore },
  async () => {
    await using place = await openPlace(postgres!, { peopleCount: 10 });
    const ctx = withKeys(place.ctx);
    for (const { userId } of place.people) {
      const runs = times(6, () => () => bindCard(ctx, cardOf(userId, { serial: 1, holder: 1 })));
      const outcomes = await race(["bank_card_taken"], runs);
      assert.equal(outcomes.filter((it) => it === "done").length, 1, outcomes.join());
    }
  },
);

Deno.test({
  name: "cards bound at once have places of their own, and none is one too many",
  ignore,
}, async () => {
  await using place = await openPlace(postgres!, { peopleCount: 3 });
  const ctx = withKeys(place.ctx);
  for (const { userId } of place.people) {
    const runs = times(
      CARD_COUNT_MAX + 5,
      (serial) => () => bindCard(ctx, cardOf(userId, { serial, holder: 1 })),
    );
    const outcomes = await race(["params_invalid"], runs);
    assert.equal(outcomes.filter((it) => it === "done").length, CARD_COUNT_MAX);
    assert.deepEqual(await positionsOf(ctx, userId), times(CARD_COUNT_MAX, (at) => at + 1));
  }
});
