import { callGateway } from "../../clients/gateway.ts";
import type { TripsTable } from "../trips_test.ts";
import { warmPerson } from "./warm_person.ts";

export const trips: TripsTable = {
  "POST /aliyun/image/upload": {
    sql: 0,
    redis: 1,
    call: async (app) =>
      await callGateway(app, "POST", "/aliyun/image/upload", {
        as: await warmPerson(app),
        body: { imageDir: "cover" },
      }),
  },
};
