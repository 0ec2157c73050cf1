import { askIm, callIm } from "../../clients/im.ts";
import type { TestApp } from "../../harness.ts";
import { issuePayToken } from "../../people/money.ts";
import {
  create,
  created,
  forGroup,
  lookAt,
  makePlace,
  open,
  paid,
  pay,
  read,
  tokenFor,
} from "../im/red_packet_place.ts";
import type { TripsTable } from "../trips_test.ts";

/** The place, with sessions that are in the cache. */
async function makeWarmPlace(app: TestApp) {
  const place = await makePlace(app);
  for (const { token } of [place.toby, place.tony]) {
    await askIm(app, "GET", "/redpacket/years", { token });
  }
  return place;
}

/** A paid packet in the group. */
async function makePacket(app: TestApp) {
  const place = await makeWarmPlace(app);
  return { ...place, no: await paid(app, place.toby, forGroup(place.group)) };
}

/** What somebody who has sent and taken something asks for. */
const record = (path: string) => async (app: TestApp) => {
  const { toby, group, no } = await makePacket(app);
  await open(app, toby, no, group);
  const query = { year: String(new Date().getFullYear()) };
  return await callIm(app, "GET", `/redpacket/${path}`, { token: toby.token, query });
};

async function transferBody(app: TestApp) {
  const place = await makeWarmPlace(app);
  const { toby, tony } = place;
  const pay_token = await issuePayToken(app.ctx, toby, { item: "transfer", amount: 100 });
  return { ...place, body: { pay_token, amount: 100, to_uid: tony.uid, remark: "午饭" } };
}

async function makeTransfer(app: TestApp) {
  const { toby, tony, body } = await transferBody(app);
  const { no } = await askIm(app, "POST", "/transfers", { token: toby.token, body });
  return { toby, tony, path: `/transfers/${no}` };
}

export const trips: TripsTable = {
  "POST /redpackets": {
    sql: 1,
    redis: 0,
    async call(app) {
      const { toby, group } = await makeWarmPlace(app);
      return await create(app, toby, forGroup(group));
    },
  },
  "POST /redpackets/{redpacket_no}/pay": {
    sql: 2,
    redis: 0,
    async call(app) {
      const { toby, group } = await makeWarmPlace(app);
      const no = await created(app, toby, forGroup(group));
      return await pay(app, toby, no, await tokenFor(app.ctx, toby, 300));
    },
  },
  "GET /redpackets/{redpacket_no}/get": {
    sql: 1,
    redis: 0,
    async call(app) {
      const { tony, no } = await makePacket(app);
      return await lookAt(app, tony, no);
    },
  },
  "POST /redpackets/{redpacket_no}/open": {
    sql: 2,
    redis: 0,
    async call(app) {
      const { tony, no, group } = await makePacket(app);
      return await open(app, tony, no, group);
    },
  },
  "GET /redpackets/{redpacket_no}": {
    sql: 1,
    redis: 0,
    async call(app) {
      const { tony, no, group } = await makePacket(app);
      await open(app, tony, no, group);
      return await read(app, tony, no);
    },
  },
  "GET /redpacket/years": { sql: 1, redis: 0, call: record("years") },
  "GET /redpacket/statistics/out": { sql: 1, redis: 0, call: record("statistics/out") },
  "GET /redpacket/statistics/in": { sql: 1, redis: 0, call: record("statistics/in") },
  "GET /redpacket/record/out": { sql: 1, redis: 0, call: record("record/out") },
  "GET /redpacket/record/in": { sql: 1, redis: 0, call: record("record/in") },
  "POST /transfers": {
    sql: 1,
    redis: 0,
    async call(app) {
      const { toby, body } = await transferBody(app);
      return await callIm(app, "POST", "/transfers", { token: toby.token, body });
    },
  },
  "GET /transfers/{no}": {
    sql: 1,
    redis: 0,
    async call(app) {
      const { tony, path } = await makeTransfer(app);
      return await callIm(app, "GET", path, { token: tony.token });
    },
  },
  "POST /transfers/{no}/receive": {
    sql: 1,
    redis: 0,
    async call(app) {
      const { tony, path } = await makeTransfer(app);
      return await callIm(app, "POST", `${path}/receive`, { token: tony.token });
    },
  },
};
