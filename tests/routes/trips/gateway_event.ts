import { callGateway, type GatewayLogin } from "../../clients/gateway.ts";
import type { TestApp } from "../../harness.ts";
import type { TripsTable } from "../trips_test.ts";
import { warmPerson } from "./warm_person.ts";

const MINUTE_MS = 60_000;

const eventBody = (app: TestApp, { uid }: GatewayLogin, inMs = 2 * 60 * MINUTE_MS) => ({
  name: "测试日程",
  desc: "测试介绍",
  eventTime: app.clock.now().getTime() + inMs,
  memberUidList: [uid],
});

async function announce(app: TestApp, as: GatewayLogin, inMs?: number): Promise<string> {
  const body = eventBody(app, as, inMs);
  return (await callGateway(app, "POST", "/event", { as, body })).result.eventId;
}

export const trips: TripsTable = {
  "POST /event": {
    sql: 2,
    redis: 1,
    async call(app) {
      const person = await warmPerson(app);
      return await callGateway(app, "POST", "/event", {
        as: person,
        body: eventBody(app, person),
      });
    },
  },
  "PUT /event/{eventId}": {
    sql: 5,
    redis: 1,
    why: "a transaction: edits of one event wait for each other; then the event is read",
    async call(app) {
      const person = await warmPerson(app);
      const path = `/event/${await announce(app, person)}`;
      const body = eventBody(app, person);
      return await callGateway(app, "PUT", path, { as: person, body });
    },
  },
  "DELETE /event/{eventId}": {
    sql: 1,
    redis: 1,
    async call(app) {
      const person = await warmPerson(app);
      const path = `/event/${await announce(app, person)}`;
      return await callGateway(app, "DELETE", path, { as: person });
    },
  },
  "GET /event/{eventId}": {
    sql: 1,
    redis: 0,
    async call(app) {
      const person = await warmPerson(app);
      const path = `/event/${await announce(app, person)}`;
      return await callGateway(app, "GET", path, { as: person });
    },
  },
  "GET /event": {
    sql: 1,
    redis: 0,
    async call(app) {
      const person = await warmPerson(app);
      await announce(app, person);
      return await callGateway(app, "GET", "/event", { as: person, query: { count: "10" } });
    },
  },
  "POST /event/{eventId}/notify": {
    sql: 1,
    redis: 0,
    async call(app) {
      const eventId = await announce(app, await warmPerson(app));
      const person = await warmPerson(app);
      return await callGateway(app, "POST", `/event/${eventId}/notify`, { as: person });
    },
  },
  "POST /event/{eventId}/start": {
    sql: 2,
    redis: 1,
    async call(app) {
      const person = await warmPerson(app);
      const eventId = await announce(app, person, MINUTE_MS);
      return await callGateway(app, "POST", `/event/${eventId}/start`, { as: person });
    },
  },
};
