import { callGateway, type GatewayLogin, registerPerson } from "../../clients/gateway.ts";
import type { TestApp } from "../../harness.ts";
import type { TripsTable } from "../trips_test.ts";
import { warmPerson } from "./warm_person.ts";

/** A room in a club of the person who opens it. */
async function openRoom(app: TestApp, as: GatewayLogin): Promise<string> {
  const club = { name: "产品交流圈", cover: "c.png" };
  const { result } = await callGateway(app, "POST", "/club", { as, body: club });
  const body = { name: "产品活动", clubId: result.clubId };
  return (await callGateway(app, "POST", "/room", { as, body })).result.roomId;
}

/** What a call by the one who opened the room costs. */
const asHost = (method: string, action: string) => async (app: TestApp) => {
  const person = await warmPerson(app);
  const roomId = await openRoom(app, person);
  return await callGateway(app, method, `/room/${roomId}${action}`, { as: person });
};

export const trips: TripsTable = {
  "POST /room": {
    sql: 1,
    redis: 1,
    async call(app) {
      const person = await warmPerson(app);
      const club = { name: "产品交流圈", cover: "c.png" };
      const { clubId } = (await callGateway(app, "POST", "/club", { as: person, body: club }))
        .result;
      const body = { name: "产品活动", clubId, inviteOnly: 0 };
      return await callGateway(app, "POST", "/room", { as: person, body });
    },
  },
  "GET /room/{roomId}": { sql: 1, redis: 0, call: asHost("GET", "") },
  "GET /room": {
    sql: 1,
    redis: 0,
    async call(app) {
      const person = await warmPerson(app);
      await openRoom(app, person);
      return await callGateway(app, "GET", "/room", { as: person, query: { count: "10" } });
    },
  },
  "POST /room/{roomId}/token": {
    sql: 1,
    redis: 1,
    call: asHost("POST", "/token"),
  },
  "POST /room/{roomId}/close": { sql: 2, redis: 0, call: asHost("POST", "/close") },
  "POST /room/{roomId}/cache": { sql: 1, redis: 0, call: asHost("POST", "/cache") },
  "POST /room/{roomId}/invite/{uid}": {
    sql: 1,
    redis: 0,
    async call(app) {
      const guest = await registerPerson(app, "Guest");
      const person = await warmPerson(app);
      await callGateway(app, "POST", `/user/${person.uid}/card`, { as: guest });
      const roomId = await openRoom(app, person);
      const path = `/room/${roomId}/invite/${guest.uid}`;
      return await callGateway(app, "POST", path, { as: person });
    },
  },
  "POST /room/{roomId}/leave": { sql: 1, redis: 0, call: asHost("POST", "/leave") },
};
