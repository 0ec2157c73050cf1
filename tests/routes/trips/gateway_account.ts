import { callGateway, requestCode } from "../../clients/gateway.ts";
import type { TripsTable } from "../trips_test.ts";
import { warmPerson } from "./warm_person.ts";

export const trips: TripsTable = {
  "POST /account/captcha": {
    sql: 1,
    redis: 2,
    why: "then the code",
    call: (app) =>
      callGateway(app, "POST", "/account/captcha", { body: { mobile: "13800138000" } }),
  },
  "POST /account/login/captcha": {
    sql: 2,
    redis: 2,
    why: "the try is counted where a lost Redis does not forget it, then the code is used up",
    async call(app) {
      const body = { mobile: "13800138001", captcha: await requestCode(app, "13800138001") };
      return await callGateway(app, "POST", "/account/login/captcha", { body });
    },
  },
  "POST /account/logout": {
    sql: 1,
    redis: 1,
    call: async (app) =>
      await callGateway(app, "POST", "/account/logout", { as: await warmPerson(app) }),
  },
};
