import { callGateway } from "../../clients/gateway.ts";
import type { TripsTable } from "../trips_test.ts";
import { warmPerson } from "./warm_person.ts";

export const trips: TripsTable = {
  "POST /push/{jPushId}": {
    sql: 1,
    redis: 0,
    call: async (app) =>
      await callGateway(app, "POST", "/push/161a3797c87cc173a10", { as: await warmPerson(app) }),
  },
};
