import { callGateway, registerPerson } from "../../clients/gateway.ts";
import type { TripsTable } from "../trips_test.ts";
import { warmPerson } from "./warm_person.ts";

const query = { count: "10" };

export const trips: TripsTable = {
  "GET /user/block": {
    sql: 1,
    redis: 0,
    async call(app) {
      const [person, other] = [await warmPerson(app), await registerPerson(app, "Tony")];
      await callGateway(app, "POST", `/user/${other.uid}/block`, { as: person });
      return await callGateway(app, "GET", "/user/block", { as: person, query });
    },
  },
  "POST /user/{uid}/block": {
    sql: 1,
    redis: 1,
    async call(app) {
      const [person, other] = [await warmPerson(app), await registerPerson(app, "Tony")];
      return await callGateway(app, "POST", `/user/${other.uid}/block`, { as: person });
    },
  },
  "DELETE /user/{uid}/block": {
    sql: 1,
    redis: 0,
    async call(app) {
      const [person, other] = [await warmPerson(app), await registerPerson(app, "Tony")];
      await callGateway(app, "POST", `/user/${other.uid}/block`, { as: person });
      return await callGateway(app, "DELETE", `/user/${other.uid}/block`, { as: person });
    },
  },
  "GET /user/message": {
    sql: 1,
    redis: 0,
    async call(app) {
      const [person, other] = [await warmPerson(app), await registerPerson(app, "Tony")];
      await callGateway(app, "POST", `/user/${person.uid}/card`, { as: other });
      return await callGateway(app, "GET", "/user/message", { as: person, query });
    },
  },
  "GET /user/message/unread_total": {
    sql: 1,
    redis: 0,
    call: async (app) =>
      await callGateway(app, "GET", "/user/message/unread_total", { as: await warmPerson(app) }),
  },
  "POST /user/{uid}/card": {
    sql: 1,
    redis: 1,
    async call(app) {
      const [person, other] = [await warmPerson(app), await registerPerson(app, "Tony")];
      return await callGateway(app, "POST", `/user/${other.uid}/card`, { as: person });
    },
  },
  "DELETE /user/{uid}/card": {
    sql: 1,
    redis: 1,
    async call(app) {
      const [person, other] = [await warmPerson(app), await registerPerson(app, "Tony")];
      await callGateway(app, "POST", `/user/${person.uid}/card`, { as: other });
      return await callGateway(app, "DELETE", `/user/${other.uid}/card`, { as: person });
    },
  },
  "GET /user/card": {
    sql: 1,
    redis: 0,
    async call(app) {
      const [person, other] = [await warmPerson(app), await registerPerson(app, "Tony")];
      await callGateway(app, "POST", `/user/${person.uid}/card`, { as: other });
      return await callGateway(app, "GET", "/user/card", { as: person, query });
    },
  },
};
