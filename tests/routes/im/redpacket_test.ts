import assert from "node:assert/strict";
import { createRedPacket } from "../../../db/domain/red_packets/create.ts";
import { listYears } from "../../../db/domain/red_packets/records.ts";
import { askIm, assertImFailure, assertNeedsToken, callIm } from "../../clients/im.ts";
import { startTestApp, type TestApp } from "../../harness.ts";
import { type ChatPerson } from "./chat_people.ts";
import {
  created,
  forGroup,
  forPerson,
  makePlace,
  open,
  paid,
  pay,
  tokenFor,
} from "./red_packet_place.ts";

const DAY_MS = 24 * 60 * 60 * 1000;
/** In UTC+8 the first second of 2027, and in the same year of UTC its last day. */
const NEW_YEAR = Date.parse("2027-01-01T00:00:01+08:00");

const TIME = /^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d$/;

/** A record with the day of its time alone: how long a test takes is nobody's business. */
function atDay<Row extends Record<string, unknown>>(row: Row, name: string): Row {
  assert.match(row[name] as string, TIME);
  return { ...row, [name]: (row[name] as string).slice(0, 10) };
}

const get = (app: TestApp, as: ChatPerson, path: string, query: Record<string, string> = {}) =>
  askIm(app, "GET", `/redpacket/${path}`, { token: as.token, query });
const goTo = ({ clock }: TestApp, at: number) => clock.advance(at - clock.now().getTime());

/** Two packets of the old year, one of the new, and one nobody paid for. */
async function makeYears(app: TestApp) {
  goTo(app, NEW_YEAR - DAY_MS / 2);
  const place = await makePlace(app);
  const { toby, tony, anna, group } = place;
  const draws = [20];
  const terms = { userId: toby.userId, type: 2, amount: 100, shareCount: 2, blessing: "" };
  const scene = { type: 2 as const, id: group.groupNo };
  const random = await createRedPacket(app.ctx, { ...terms, scene }, () => draws.shift()!);
  await pay(app, toby, random, await tokenFor(app.ctx, toby, 100));
  await open(app, tony, random, group);
  await open(app, anna, random, group);
  app.clock.advance(60_000);
  const unfinished = await paid(app, toby, forGroup(group));
  await open(app, anna, unfinished, group);
  goTo(app, NEW_YEAR);
  const fresh = await paid(app, toby, forPerson(tony));
  await open(app, tony, fresh, toby);
  await created(app, toby, forPerson(tony));
  return { ...place, random, unfinished, fresh };
}

const BAD_YEARS = [{}, { year: "" }, { year: "26" }, { year: "20267" }, { year: "year" }];

async function assertWantsYear(app: TestApp, as: ChatPerson, path: string): Promise<void> {
  for (const query of BAD_YEARS) {
    const call = { token: as.token, query: query as Record<string, string> };
    assertImFailure(await callIm(app, "GET", path, call));
  }
  for (const year of ["0000", "0050", "9999"]) {
    assert.equal((await callIm(app, "GET", path, { token: as.token, query: { year } })).http, 200);
  }
  await assertNeedsToken(app, "GET", path, { query: { year: "2026" } });
}

Deno.test("GET /redpacket/years", async (t) => {
  await using app = await startTestApp();
  const { toby, tony, anna, otto } = await makeYears(app);

  await t.step(
    "lists years of packets sent or taken, newest first, as UTC+8 has them",
    async () => {
      assert.deepEqual(await get(app, toby, "years"), ["2027", "2026"]);
      assert.deepEqual(await get(app, tony, "years"), ["2027", "2026"]);
    },
  );

  await t.step("always has the current one, and none without packets", async () => {
    assert.deepEqual(await get(app, otto, "years"), ["2027"]);
    app.clock.advance(800 * DAY_MS);
    // Their tokens are too old by then.
    assert.deepEqual(await listYears(app.ctx, anna), [2029, 2026]);
    assert.deepEqual(await listYears(app.ctx, toby), [2029, 2027, 2026]);
  });

  await t.step("wants a token", async () => {
    await assertNeedsToken(app, "GET", "/redpacket/years");
  });
});

Deno.test("GET /redpacket/statistics/out", async (t) => {
  await using app = await startTestApp();
  const { toby, tony } = await makeYears(app);
  const sums = (as: ChatPerson, year: string) => get(app, as, "statistics/out", { year });

  await t.step("adds up what was paid in the year, refunded or not", async () => {
    const expected = { total_amount: 400, total_num: 2, luck_num: 0 };
    assert.deepEqual(await sums(toby, "2026"), expected);
    assert.deepEqual(await sums(toby, "2027"), { total_amount: 100, total_num: 1, luck_num: 0 });
    assert.deepEqual(await sums(tony, "2026"), { total_amount: 0, total_num: 0, luck_num: 0 });
    app.clock.advance(2 * DAY_MS);
    assert.deepEqual(await sums(toby, "2026"), expected);
  });

  await t.step("wants a year and a token", async () => {
    await assertWantsYear(app, toby, "/redpacket/statistics/out");
  });
});

Deno.test("GET /redpacket/statistics/in", async (t) => {
  await using app = await startTestApp();
  const { toby, tony, anna } = await makeYears(app);
  const sums = (as: ChatPerson, year: string) => get(app, as, "statistics/in", { year });

  await t.step("adds up what was taken, luck only of finished random packets", async () => {
    assert.deepEqual(await sums(anna, "2026"), { total_amount: 180, total_num: 2, luck_num: 1 });
    assert.deepEqual(await sums(tony, "2026"), { total_amount: 20, total_num: 1, luck_num: 0 });
    assert.deepEqual(await sums(tony, "2027"), { total_amount: 100, total_num: 1, luck_num: 0 });
    assert.deepEqual(await sums(toby, "2026"), { total_amount: 0, total_num: 0, luck_num: 0 });
  });

  await t.step("counts no luck while somebody may still have more", async () => {
    const { toby, tony, group } = await makePlace(app);
    const terms = { userId: toby.userId, type: 2, amount: 100, shareCount: 2, blessing: "" };
    const scene = { type: 2 as const, id: group.groupNo };
    const no = await createRedPacket(app.ctx, { ...terms, scene }, () => 80);
    await pay(app, toby, no, await tokenFor(app.ctx, toby, 100));
    await open(app, tony, no, group);
    assert.deepEqual(await sums(tony, "2027"), { total_amount: 80, total_num: 1, luck_num: 0 });
    await open(app, toby, no, group);
    assert.deepEqual(await sums(tony, "2027"), { total_amount: 80, total_num: 1, luck_num: 1 });
  });

  await t.step("wants a year and a token", async () => {
    await assertWantsYear(app, toby, "/redpacket/statistics/in");
  });
});

Deno.test("GET /redpacket/record/out", async (t) => {
  await using app = await startTestApp();
  const { toby, tony, random, unfinished, fresh } = await makeYears(app);
  const list = (as: ChatPerson, year: string, page: Record<string, string> = {}) =>
    get(app, as, "record/out", { year, ...page });
  // deno-lint-ignore no-explicit-any -- the contract's own fields
  const days = async (as: ChatPerson, year: string): Promise<any[]> =>
    (await list(as, year)).map((row: Record<string, unknown>) => atDay(row, "create_date"));

  await t.step("lists the year's paid packets, newest first, by UTC+8", async () => {
    assert.deepEqual(await days(toby, "2027"), [{
      redpacket_no: fresh,
      type: 1,
      amount: 100,
      num: 1,
      open_num: 1,
      status: 3,
      create_date: "2027-01-01",
    }]);
    assert.deepEqual(await days(toby, "2026"), [
      {
        redpacket_no: unfinished,
        type: 1,
        amount: 300,
        num: 3,
        open_num: 1,
        status: 1,
        create_date: "2026-12-31",
      },
      {
        redpacket_no: random,
        type: 2,
        amount: 100,
        num: 2,
        open_num: 2,
        status: 3,
        create_date: "2026-12-31",
      },
    ]);
    assert.deepEqual(await list(tony, "2026"), []);
  });

  await t.step("page by page", async () => {
    const page = async (page_index: string) =>
      (await list(toby, "2026", { page_index, page_size: "1" }))
        .map((it: { redpacket_no: string }) => it.redpacket_no);
    assert.deepEqual([await page("1"), await page("2"), await page("3")], [
      [unfinished],
      [random],
      [],
    ]);
    assert.equal((await list(toby, "2026", { page_index: "x", page_size: "-1" })).length, 2);
    const asApps = await list(toby, "2026", { pageIndex: "2", pageSize: "1" });
    assert.deepEqual(asApps.map((it: { redpacket_no: string }) => it.redpacket_no), [random]);
    const both = { page_index: "1", pageIndex: "2", page_size: "1", pageSize: "9" };
    assert.equal((await list(toby, "2026", both))[0].redpacket_no, unfinished);
  });

  await t.step("shows one as expired when its day is over", async () => {
    app.clock.advance(DAY_MS);
    assert.equal((await list(toby, "2026"))[0].status, 4);
  });

  await t.step("wants a year and a token", async () => {
    await assertWantsYear(app, toby, "/redpacket/record/out");
  });
});

Deno.test("GET /redpacket/record/in", async (t) => {
  await using app = await startTestApp();
  const { toby, tony, anna, random, unfinished, fresh } = await makeYears(app);
  const list = (as: ChatPerson, year: string, page: Record<string, string> = {}) =>
    get(app, as, "record/in", { year, ...page });
  // deno-lint-ignore no-explicit-any -- the contract's own fields
  const days = async (as: ChatPerson, year: string): Promise<any[]> =>
    (await list(as, year)).map((row: Record<string, unknown>) => atDay(row, "open_date"));

  await t.step("lists the year's shares, newest first, by UTC+8", async () => {
    const sender = { sender_uid: toby.uid, sender_name: "Toby" };
    assert.deepEqual(await days(tony, "2027"), [{
      redpacket_no: fresh,
      ...sender,
      open_amount: 100,
      type: 1,
      open_date: "2027-01-01",
    }]);
    assert.deepEqual(await days(anna, "2026"), [
      { redpacket_no: unfinished, ...sender, open_amount: 100, type: 1, open_date: "2026-12-31" },
      { redpacket_no: random, ...sender, open_amount: 80, type: 2, open_date: "2026-12-31" },
    ]);
    assert.deepEqual(await list(toby, "2026"), []);
  });

  await t.step("page by page", async () => {
    const [second] = await list(anna, "2026", { page_index: "2", page_size: "1" });
    assert.equal(second.redpacket_no, random);
    assert.deepEqual(await list(anna, "2026", { pageIndex: "2", pageSize: "1" }), [second]);
  });

  await t.step("wants a year and a token", async () => {
    await assertWantsYear(app, toby, "/redpacket/record/in");
  });
});
