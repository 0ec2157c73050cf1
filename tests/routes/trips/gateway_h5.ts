import assert from "node:assert/strict";
import { callGateway, type GatewayLogin, registerPerson } from "../../clients/gateway.ts";
import { callH5, logInWithWechat } from "../../clients/wechat.ts";
import type { TestApp } from "../../harness.ts";
import type { TripsTable } from "../trips_test.ts";

/** What somebody made to share: `POST path` and its answer. */
async function made(app: TestApp, as: GatewayLogin, path: string, body = {}) {
  const answer = await callGateway(app, "POST", path, { as, body });
  assert.equal(answer.status, 1, answer.message);
  return answer.result;
}

async function open(app: TestApp, path: string, body = {}) {
  return await callH5(app, path, { cookie: await logInWithWechat(app), body });
}

async function openClub(app: TestApp, as: GatewayLogin): Promise<string> {
  return (await made(app, as, "/club", { name: "业余足球圈", cover: "c.png" })).clubId;
}

export const trips: TripsTable = {
  "POST /h5/weixin/config": {
    sql: 0,
    redis: 1,
    async call(app) {
      const body = { url: "https://h5.example/room/1" };
      await open(app, "/h5/weixin/config", body);
      return await open(app, "/h5/weixin/config", body);
    },
  },
  "POST /h5/room/{roomCacheId}": {
    sql: 1,
    redis: 0,
    async call(app) {
      const host = await registerPerson(app);
      const clubId = await openClub(app, host);
      const { roomId } = await made(app, host, "/room", { name: "测试", clubId });
      return await open(app, `/h5/room/${await made(app, host, `/room/${roomId}/cache`)}`);
    },
  },
  "POST /h5/club/{clubId}": {
    sql: 1,
    redis: 0,
    call: async (app) =>
      await open(app, `/h5/club/${await openClub(app, await registerPerson(app))}`),
  },
  "POST /h5/profile/{uid}": {
    sql: 1,
    redis: 0,
    call: async (app) => await open(app, `/h5/profile/${(await registerPerson(app)).uid}`),
  },
  "POST /h5/event/{eventId}": {
    sql: 1,
    redis: 0,
    async call(app) {
      const host = await registerPerson(app);
      const eventTime = app.clock.now().getTime() + 3_600_000;
      const { eventId } = await made(app, host, "/event", {
        name: "日程",
        desc: "测试介绍2",
        eventTime,
        memberUidList: [host.uid],
      });
      return await open(app, `/h5/event/${eventId}`);
    },
  },
};
