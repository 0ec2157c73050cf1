import { callGateway, type GatewayLogin, registerPerson } from "../../clients/gateway.ts";
import type { TestApp } from "../../harness.ts";
import type { TripsTable } from "../trips_test.ts";
import { warmPerson } from "./warm_person.ts";

const query = { count: "10" };

async function openClub(app: TestApp, as: GatewayLogin): Promise<string> {
  const body = { name: "产品交流圈", cover: "c.png" };
  return (await callGateway(app, "POST", "/club", { as, body })).result.clubId;
}

export const trips: TripsTable = {
  "POST /club": {
    sql: 1,
    redis: 1,
    call: async (app) =>
      await callGateway(app, "POST", "/club", {
        as: await warmPerson(app),
        body: { name: "产品交流圈", cover: "c.png" },
      }),
  },
  "GET /club/{clubId}": {
    sql: 1,
    redis: 0,
    async call(app) {
      const person = await warmPerson(app);
      return await callGateway(app, "GET", `/club/${await openClub(app, person)}`, { as: person });
    },
  },
  "GET /club": {
    sql: 1,
    redis: 0,
    async call(app) {
      const person = await warmPerson(app);
      await openClub(app, person);
      return await callGateway(app, "GET", "/club", { as: person, query });
    },
  },
  "GET /club/{clubId}/member": {
    sql: 1,
    redis: 0,
    async call(app) {
      const person = await warmPerson(app);
      const path = `/club/${await openClub(app, person)}/member`;
      return await callGateway(app, "GET", path, { as: person, query });
    },
  },
  "POST /club/{clubId}/join": {
    sql: 1,
    redis: 1,
    async call(app) {
      const clubId = await openClub(app, await registerPerson(app));
      const person = await warmPerson(app);
      return await callGateway(app, "POST", `/club/${clubId}/join`, { as: person });
    },
  },
  "POST /club/{clubId}/leave": {
    sql: 1,
    redis: 1,
    async call(app) {
      const person = await warmPerson(app);
      const path = `/club/${await openClub(app, person)}/leave`;
      return await callGateway(app, "POST", path, { as: person });
    },
  },
};
