import { callGateway, logIn } from "../../clients/gateway.ts";
import type { TripsTable } from "../trips_test.ts";
import { warmPerson } from "./warm_person.ts";

const BODY = { nickname: "Tony", avatar: "a.png" };

export const trips: TripsTable = {
  "POST /user/profile/init": {
    sql: 2,
    redis: 1,
    why: "without a profile a session is not cached",
    call: async (app) =>
      await callGateway(app, "POST", "/user/profile/init", { as: await logIn(app), body: BODY }),
  },
  "PUT /user/profile": {
    sql: 1,
    redis: 1,
    call: async (app) =>
      await callGateway(app, "PUT", "/user/profile", { as: await warmPerson(app), body: BODY }),
  },
  "GET /user/{uid}/profile": {
    sql: 1,
    redis: 0,
    async call(app) {
      const person = await warmPerson(app);
      return await callGateway(app, "GET", `/user/${person.uid}/profile`, { as: person });
    },
  },
};
