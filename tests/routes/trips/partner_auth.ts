import { hmacHex } from "../../../config/keys.ts";
import {
  askPartner,
  callPartner,
  grantToken,
  makeApp,
  type PartnerCall,
  type TestPartner,
} from "../../clients/partner.ts";
import type { TestApp } from "../../harness.ts";
import type { TripsAnswer, TripsTable } from "../trips_test.ts";

/** A partner that Redis already knows, with a desk of one. */
async function warmPartner(app: TestApp) {
  const partner = await makeApp(app.ctx, { customerProof: "device" });
  const body = { name: "Desk", sellers: [{ uid: 1, name: "Anna" }] };
  const { store_id } = await askPartner(app, "POST /stores", { basic: partner.basic, body });
  return { partner, store_id: store_id as number };
}

/** A server's call, by a partner that Redis already knows. */
async function byServer(
  app: TestApp,
  operation: string,
  make: (place: { partner: TestPartner; store_id: number }) => PartnerCall,
): Promise<TripsAnswer> {
  const place = await warmPartner(app);
  return await callPartner(app, operation, { basic: place.partner.basic, ...make(place) });
}

export const trips: TripsTable = {
  "POST /auth/grant": {
    sql: 2,
    redis: 0,
    call: (app) => byServer(app, "POST /auth/grant", () => ({ body: { uid: 7, user_name: "T" } })),
  },
  "POST /users/{uid}": {
    sql: 1,
    redis: 0,
    call: (app) =>
      byServer(app, "POST /users/{uid}", () => ({
        params: { uid: 7 },
        body: { name: "T", mute: true, do_not_disturb: { peer_uid: 8, on: true } },
      })),
  },
  "POST /auth/customer": {
    sql: 2,
    redis: 0,
    async call(app) {
      const { partner } = await warmPartner(app);
      const sign = hmacHex(Buffer.from(partner.secret), "c");
      const named = { customer_id: "c", name: "Ben", device_id: "browser", sign };
      const body = { appid: partner.appId, ...named };
      return await callPartner(app, "POST /auth/customer", { body });
    },
  },
  "GET /supporters": {
    sql: 1,
    redis: 1,
    why: "whether somebody is online is known to Redis alone, once the sellers are known; the " +
      "first time, the choice is kept as well",
    async call(app) {
      const { partner, store_id } = await warmPartner(app);
      const bearer = await grantToken(app, partner, { uid: 7 });
      const query = { store_id: String(store_id) };
      await askPartner(app, "GET /supporters", { bearer, query });
      return await callPartner(app, "GET /supporters", { bearer, query });
    },
  },
  "POST /auth/revoke": {
    sql: 2,
    redis: 1,
    why: "the end is told to Redis after it is in the database",
    async call(app) {
      const { partner } = await warmPartner(app);
      await grantToken(app, partner, { uid: 7 });
      const call = { basic: partner.basic, body: { uid: 7 } };
      return await callPartner(app, "POST /auth/revoke", call);
    },
  },
  "POST /stores": {
    sql: 7,
    redis: 0,
    why: "a transaction that locks the app before its desks are counted",
    call: (app) =>
      byServer(app, "POST /stores", () => ({ body: { name: "Two", sellers: [{ uid: 2 }] } })),
  },
  "GET /stores": {
    sql: 1,
    redis: 0,
    call: (app) => byServer(app, "GET /stores", () => ({})),
  },
  "PUT /stores/{store_id}/sellers": {
    sql: 6,
    redis: 0,
    why: "a transaction that locks the desk before anybody is replaced",
    call: (app) =>
      byServer(app, "PUT /stores/{store_id}/sellers", ({ store_id }) => ({
        params: { store_id },
        body: { sellers: [{ uid: 2 }] },
      })),
  },
};
