import { eq, sql } from "drizzle-orm";
import assert from "node:assert/strict";
import type { BusEvent } from "../../../db/bus/bus.ts";
import { hashToken } from "../../../db/domain/sessions/access_secret.ts";
import { users } from "../../../db/schema/users.ts";
import { loadSurface } from "../../../routes/surfaces.ts";
import {
  askPartner,
  assertPartnerFailure,
  callPartner,
  grantToken,
  makeApp,
} from "../../clients/partner.ts";
import { startTestApp, type TestApp } from "../../harness.ts";
import { makeUser } from "../../people/factories.ts";
import { attempts, type Tenant } from "./foreign_attempts.ts";

async function openTenant(
  app: TestApp,
  { name, house = false, numbers: [master, member] = [501, 502] }: {
    name: string;
    house?: boolean;
    numbers?: [number, number];
  },
): Promise<Tenant> {
  const { appId, basic } = await makeApp(app.ctx, { house });
  const ask = (operation: string, body: unknown) => askPartner(app, operation, { basic, body });
  const secrets = ["Word", "Group", "Person", "Desk"].map((thing) => `${thing} of ${name}`);
  const [word, groupName, personName, deskName] = secrets;
  const members = [{ uid: master, name: personName }, { uid: member, name: personName }];
  const { group_id } = await ask("POST /groups", { master, name: groupName, members });
  await ask("POST /messages/peers", { sender: member, receiver: master, content: word });
  await ask("POST /messages/groups", { sender: member, receiver: group_id, content: word });
  const bearer = await grantToken(app, { basic }, { uid: master });
  const tenant = { appId, basic, master, member, bearer, groupId: group_id };
  if (house) return { ...tenant, tenantId: 0, secrets: [...secrets, bearer] };
  const sellers = [{ uid: member, name: personName }];
  const { store_id } = await ask("POST /stores", { name: deskName, sellers });
  const customerId = `customer of ${name}`;
  const customer = await ask("POST /auth/customer", {
    appid: appId,
    customer_id: customerId,
    name: personName,
  });
  const query = { store_id: String(store_id) };
  await askPartner(app, "GET /supporters", { bearer: customer.token, query });
  return {
    ...tenant,
    tenantId: appId,
    secrets: [...secrets, bearer, customer.token],
    store: { storeId: store_id, customerId, customerUid: customer.client_id },
  };
}

async function openHouse(app: TestApp): Promise<Tenant> {
  const [toby, anna] = [await makeUser(app.ctx, "Toby"), await makeUser(app.ctx, "Anna")];
  const numbers: [number, number] = [toby.id, anna.id];
  return await openTenant(app, { name: "the house", house: true, numbers });
}

const { endpoints } = await loadSurface("partner");

Deno.test("no operation is without an attempt at somebody else's ids", () => {
  const operations = endpoints.map(({ method, path }) => `${method.toUpperCase()} ${path}`);
  assert.deepEqual(operations.filter((name) => !attempts[name]), [], "add rows for these");
  assert.deepEqual(Object.keys(attempts).filter((name) => !operations.includes(name)), []);
});

type Root = "users" | "groups" | "stores" | "apps";

/** Rows of messages refer to people and groups without foreign keys. */
const UNDECLARED: { table: string; column: string; target: Root }[] = [
  { table: "messages", column: "sender_id", target: "users" },
  { table: "messages", column: "receiver_id", target: "users" },
  { table: "messages", column: "group_id", target: "groups" },
  { table: "inbox", column: "user_id", target: "users" },
  { table: "inbox_heads", column: "user_id", target: "users" },
  { table: "conversations", column: "user_id", target: "users" },
];

/** Every row there is of a tenant, whichever table it is in, by what it refers to. */
async function dump({ ctx }: TestApp, { tenantId, appId }: Tenant): Promise<unknown[]> {
  const { rows: references } = await ctx.db.execute<
    { table: string; column: string; target: Root }
  >(sql`
    select conrelid::regclass::text as "table", attname as "column",
      confrelid::regclass::text as target
    from pg_constraint
    join pg_attribute on attrelid = conrelid and attnum = conkey[1]
    where contype = 'f' and confrelid::regclass::text in ('users', 'groups', 'stores', 'apps')`);
  const roots = {
    users: sql`select id from users where app_id = ${tenantId}`,
    groups: sql`select id from groups where app_id = ${tenantId}`,
    stores: sql`select id from stores where app_id = ${appId}`,
    apps: sql`select ${appId}::bigint`,
  };
  const parts = [
    ...references,
    ...UNDECLARED,
    ...Object.keys(roots).map((table) => ({
      table,
      column: "id",
      target: table as keyof typeof roots,
    })),
  ].map(({ table, column, target }) =>
    sql`select ${table}::text as "table", to_jsonb(found)::text as "row"
      from ${sql.identifier(table)} as found
      where ${sql.identifier(column)} in (${roots[target]})`
  );
  const { rows } = await ctx.db.execute(
    sql`${sql.join(parts, sql` union `)} order by "table", "row"`,
  );
  return rows;
}

/** Whether an event of the bus is for anybody of a tenant. */
function concerns(event: BusEvent, other: Tenant, people: Set<number>): boolean {
  switch (event.kind) {
    case "inbox":
      return event.heads.some(({ userId }) => people.has(userId));
    case "group":
      return event.groupId === other.groupId;
    case "moment":
      return event.userIds.some((userId) => people.has(userId));
    case "chat_room":
      return event.appId === other.tenantId;
    case "kick":
      return people.has(event.userId);
    case "ended":
      return event.tokenHashes.includes(hashToken(other.bearer));
    default:
      return true;
  }
}

/** Tries everything on `other`, of whom nothing may be told and nothing may change. */
async function tryEverything(t: Deno.TestContext, app: TestApp, self: Tenant, other: Tenant) {
  const before = await dump(app, other);
  assert.ok(before.length > 20, "there is something to lose");
  const people = new Set(
    (await app.ctx.db.select({ id: users.id }).from(users).where(eq(users.appId, other.tenantId)))
      .map(({ id }) => id),
  );
  let heard: BusEvent[] = [];
  const stop = app.bus.subscribe((event) => void heard.push(event));
  for (const [operation, make] of Object.entries(attempts)) {
    await t.step(operation, async () => {
      for (const { by, is, ...call } of make(self, other)) {
        heard = [];
        const credentials = {
          server: { basic: self.basic },
          client: { bearer: self.bearer },
          nobody: {},
        }[by];
        const answer = await callPartner(app, operation, { ...call, ...credentials });
        await Promise.resolve();
        const said = JSON.stringify(answer.envelope);
        // The house has nobody of a partner's numbers, and makes nobody.
        const mayBeRefused = is === "refused" || self.tenantId === 0 && answer.http !== 200;
        if (mayBeRefused) {
          assertPartnerFailure(answer);
          assert.match(answer.envelope.meta.message, /不存在$/);
        } else assert.equal(answer.http, 200, said);
        for (const secret of other.secrets) assert.ok(!said.includes(secret), said);
        assert.deepEqual(await dump(app, other), before, said);
        assert.deepEqual(heard.filter((event) => concerns(event, other, people)), []);
        if (operation === "POST /auth/revoke") {
          self.bearer = await grantToken(app, self, { uid: self.master });
        }
      }
    });
  }
  stop();
}

Deno.test("a partner cannot reach another's people, groups and desks", async (t) => {
  await using app = await startTestApp();
  // The same numbers, for other people.
  const [self, other] = [
    await openTenant(app, { name: "one" }),
    await openTenant(app, { name: "another" }),
  ];
  await tryEverything(t, app, self, other);
});

Deno.test("a partner cannot reach the house's people and groups", async (t) => {
  await using app = await startTestApp();
  await tryEverything(t, app, await openTenant(app, { name: "one" }), await openHouse(app));
});

Deno.test("an app of the house cannot reach a partner's people, groups and desks", async (t) => {
  await using app = await startTestApp();
  await tryEverything(t, app, await openHouse(app), await openTenant(app, { name: "one" }));
});
