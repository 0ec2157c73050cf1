import assert from "node:assert/strict";
import type { Config } from "../../config/config.ts";
import { openDatabase } from "../../db/client/open.ts";
import { accessSecretsOf } from "../../db/domain/sessions/access_secret.ts";
import { openRedis } from "../../db/redis/open.ts";
import { gatewayRequest } from "../clients/gateway.ts";
import { askIm } from "../clients/im.ts";
import { askOps, makeOperator } from "../clients/ops.ts";
import { askPartner, grantToken, makeApp } from "../clients/partner.ts";
import { Clock, startTestApp } from "../harness.ts";
import { SECRET_KEY, ServerProcess, type ServerStores } from "../soak/server_process.ts";
import { type GrownPerson, grownPerson, LARGE_GROUP_ID } from "./growth_data.ts";

const CALLER_COUNT = 100;
/** Of the first caller, who is nobody's first: neither an owner nor a host. */
const FIRST_AT = 7;

interface Caller extends GrownPerson {
  /** Who comes after them, with whom they have talked. */
  next: GrownPerson;
  accessSecret: string;
  /** A token of theirs at the house's partner. */
  partnerToken: string;
}

/** A server on a database that {@link fillGrown} has filled, and who calls it. */
export class GrownPlace implements AsyncDisposable {
  #turn = 0;
  readonly #clock = new Clock();

  private constructor(
    private readonly server: ServerProcess,
    private readonly callers: Caller[],
    readonly basic: string,
    readonly operatorToken: string,
  ) {}

  static async open(stores: ServerStores, personCount: number): Promise<GrownPlace> {
    const server = await ServerProcess.start(stores, {
      // Everything is counted, and nobody is over a limit.
      env: { RATE_FACTOR: "1000000" },
    });
    try {
      const { basic, token, config } = await makeAuthorities(stores);
      const place = new GrownPlace(server, [], basic, token);
      for (let caller = 0; caller < CALLER_COUNT; caller++) {
        const at = FIRST_AT + Math.floor(caller * personCount / CALLER_COUNT);
        const person = grownPerson(at);
        place.callers.push({
          ...person,
          next: grownPerson(at + 1),
          accessSecret: accessSecretsOf(config.keys, person.uid, person.token)[0]!,
          partnerToken: await grantToken(place, { basic }, { uid: person.id }),
        });
      }
      return place;
    } catch (error) {
      await server[Symbol.asyncDispose]();
      throw error;
    }
  }

  /** What the server has complained of so far. */
  get complaints(): string[] {
    return this.server.complaints;
  }

  /** Each of the callers in turn. */
  get caller(): Caller {
    return this.callers[this.#turn++ % CALLER_COUNT]!;
  }

  /** A call of any surface's client, to this server. */
  fetch = (request: Request): Promise<Response> => {
    const { pathname, search } = new URL(request.url);
    return fetch(new Request(`${this.server.httpUrl}${pathname}${search}`, request));
  };

  async askGateway(
    path: string,
    query: Record<string, string>,
    { uid, token, accessSecret }: Caller,
  ): Promise<void> {
    const as = { uid, accessToken: token, accessSecret, expireTime: 0 };
    const request = gatewayRequest({ clock: this.#clock }, "GET", path, { as, query });
    const response = await this.fetch(request);
    const answer = await response.json();
    assert.equal(answer.status, 1, `${path}: ${JSON.stringify(answer)}`);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.server[Symbol.asyncDispose]();
  }
}

/** A partner that speaks for the house, and an operator, straight in the database. */
async function makeAuthorities(
  { databaseUrl, redisUrl }: ServerStores,
): Promise<{ basic: string; token: string; config: Config }> {
  const database = await openDatabase({ databaseUrl, dataDir: "unused" });
  const redis = await openRedis({ redis: { kind: "tcp", url: redisUrl } });
  try {
    await using app = await startTestApp({ database, redis, env: { SECRET_KEY } });
    const { basic } = await makeApp(app.ctx, { house: true });
    const { token } = await makeOperator(app.ctx, "auditor");
    return { basic, token, config: app.config };
  } finally {
    await redis.close();
    await database.close();
  }
}

type Call = (place: GrownPlace, caller: Caller) => Promise<unknown>;

const page = (pathOf: (caller: Caller) => string): Call => (place, caller) =>
  place.askGateway(pathOf(caller), { count: "20" }, caller);
const im = (method: string, path: string, body?: unknown): Call => (place, { token }) =>
  askIm(place, method, path, { token, body });
const client = (operation: string): Call => (place, { partnerToken }) =>
  askPartner(place, operation, { bearer: partnerToken });
const send =
  (operation: string, bodyOf: (caller: Caller) => Record<string, unknown>): Call =>
  (place, caller) =>
    askPartner(place, operation, {
      basic: place.basic,
      body: { sender: caller.id, content: "how are you?", ...bodyOf(caller) },
    });
const operator = (
  operation: string,
  { queryOf, paramsOf }: {
    queryOf?: (caller: Caller) => Record<string, string>;
    paramsOf?: (caller: Caller) => Record<string, string>;
  } = {},
): Call =>
(place, caller) =>
  askOps(place, operation, {
    token: place.operatorToken,
    ...queryOf && { query: queryOf(caller) },
    ...paramsOf && { params: paramsOf(caller) },
  });

/** What should cost the same however much there is. */
export const GROWN_CALLS: Record<string, Call> = {
  "GET /user/{uid}/profile": (place, caller) =>
    place.askGateway(`/user/${caller.next.uid}/profile`, {}, caller),
  "GET /user/block": page(() => "/user/block"),
  "GET /user/card": page(() => "/user/card"),
  "GET /user/message": page(() => "/user/message"),
  "GET /club": page(() => "/club"),
  "GET /club/{clubId}/member": page(({ clubId }) => `/club/${clubId}/member`),
  "GET /room": page(() => "/room"),
  "GET /event": page(() => "/event"),
  "GET /conversations": im("GET", "/conversations"),
  "POST /message/sync": im("POST", "/message/sync", {}),
  "POST /friend/sync": im("POST", "/friend/sync"),
  "GET /user/blacklists": im("GET", "/user/blacklists"),
  "GET /wallet/records": im("GET", "/wallet/records"),
  "GET /redpacket/record/in": im(
    "GET",
    `/redpacket/record/in?year=${new Date().getFullYear()}`,
  ),
  "GET /messages": client("GET /messages"),
  "GET /client/groups": client("GET /client/groups"),
  "GET /messages/offline": (place, { id }) =>
    askPartner(place, "GET /messages/offline", {
      basic: place.basic,
      query: { uid: String(id) },
    }),
  "POST /messages/peers": send("POST /messages/peers", ({ next }) => ({ receiver: next.id })),
  "POST /messages/groups, 50": send("POST /messages/groups", ({ groupId }) => ({
    receiver: groupId,
  })),
  "GET /v1/admin/users": operator("GET /v1/admin/users"),
  "GET /v1/admin/userfuzzysearch": operator("GET /v1/admin/userfuzzysearch", {
    // Everybody's name has their uid in it.
    queryOf: ({ uid }) => ({ nick: uid.slice(0, 16) }),
  }),
  "GET /v1/groups": operator("GET /v1/groups"),
  "GET /v1/groups/{group_id}/users": operator("GET /v1/groups/{group_id}/users", {
    paramsOf: ({ groupId }) => ({ group_id: String(groupId) }),
  }),
  "… of a group of a tenth of all": operator("GET /v1/groups/{group_id}/users", {
    paramsOf: () => ({ group_id: String(LARGE_GROUP_ID) }),
  }),
  "GET /v1/profits/cny_records": operator("GET /v1/profits/cny_records"),
};
