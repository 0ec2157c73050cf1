import { sql } from "drizzle-orm";
import assert from "node:assert/strict";
import { withTrips } from "../../config/runtime/trips.ts";
import type { Ctx } from "../../db/client/ctx.ts";
import { countOffline } from "../../db/domain/messages/count_offline.ts";
import { Command, commandOf, HISTORY_COUNT_MAX } from "../../db/domain/messages/rules.ts";
import { readHistory } from "../../db/domain/messages/read_history.ts";
import { readInbox } from "../../db/domain/messages/read_inbox.ts";
import { sayToGroupFor, sayToPersonFor } from "../../db/domain/messages/say_for_person.ts";
import { sayInChatRoomFor } from "../../db/domain/messages/say_in_chat_room.ts";
import { tellGroup } from "../../db/domain/messages/tell_group.ts";
import { tellPerson, tellPersonKept } from "../../db/domain/messages/tell_person.ts";
import { ensurePeople } from "../../db/domain/users/ensure_people.ts";
import { startTestApp } from "../harness.ts";
import { makeGroup } from "../people/factories.ts";
import { startPostgres } from "../services/postgres.ts";
import { PLAN_MODES, StatementListener } from "../services/statement_costs.ts";
import { openPlace } from "./race_place.ts";

const postgres = await startPostgres();
Deno.test.afterAll(async () => await postgres?.[Symbol.asyncDispose]());

const TENANT_ID = 1001;

Deno.test("commandOf says where a message went and who spoke", () => {
  const facts = { isInGroup: false, hasSender: true, isByCustomer: undefined };
  const { peer, system, group, groupNotification, fromCustomer, fromSeller } = Command;
  assert.equal(commandOf(facts), peer);
  assert.equal(commandOf({ ...facts, isByCustomer: true }), fromCustomer);
  assert.equal(commandOf({ ...facts, isByCustomer: false }), fromSeller);
  assert.equal(commandOf({ ...facts, hasSender: false }), system);
  assert.equal(commandOf({ ...facts, isInGroup: true }), group);
  assert.equal(commandOf({ ...facts, isInGroup: true, hasSender: false }), groupNotification);
});

Deno.test("every way of sending takes two trips at most, a super group's too", async () => {
  await using app = await startTestApp();
  const { ctx } = app;
  const named = [1, 2].map((appUid) => ({ appUid }));
  const people = (await ensurePeople(ctx, { tenantId: TENANT_ID, people: named }))
    .map(({ userId }) => ({ id: userId }));
  const small = await makeGroup(ctx, people, { appId: TENANT_ID });
  const large = await makeGroup(ctx, people, { appId: TENANT_ID, isSuper: true });
  const said = { tenantId: TENANT_ID, content: "x", senderUid: 1, receiverUid: 2, chatRoomId: 1 };
  const ways: { send: () => Promise<void>; trips: number }[] = [
    { send: () => sayToPersonFor(ctx, said), trips: 1 },
    { send: () => tellPersonKept(ctx, said), trips: 2 },
    { send: () => tellPerson(ctx, said), trips: 2 },
    { send: () => sayInChatRoomFor(ctx, said), trips: 1 },
    ...[small, large].flatMap(({ id: groupId }) => [
      { send: () => sayToGroupFor(ctx, { ...said, groupId }), trips: 1 },
      { send: () => tellGroup(ctx, { ...said, groupId }), trips: 2 },
    ]),
  ];
  for (const { send, trips: expected } of ways) {
    await withTrips(async (trips) => {
      await send();
      assert.equal(trips.sql.count, expected);
    });
  }
});

Deno.test({
  name: "of many equal sendings at once, by new people too, there is one message",
  ignore: !postgres,
  async fn() {
    await using place = await openPlace(postgres!, { peopleCount: 1 });
    const { ctx } = place;
    for (let round = 1; round <= 5; round++) {
      const said = {
        tenantId: TENANT_ID,
        senderUid: round * 10,
        receiverUid: round * 10 + 1,
        content: "once",
        clientMsgNo: `round ${round}`,
      };
      await Promise.all(Array.from({ length: 20 }, () => sayToPersonFor(ctx, said)));
      const people = await ensurePeople(ctx, {
        tenantId: TENANT_ID,
        people: [{ appUid: said.senderUid }, { appUid: said.receiverUid }],
      });
      for (const { userId } of people) {
        const inbox = await readInbox(ctx, { userId, afterSeq: 0, limit: 100 });
        assert.deepEqual(inbox.map(({ seq }) => seq), [1]);
      }
    }
    const { rows } = await ctx.db.execute<{ count: string }>(sql`
      select count(*)::text as count from messages`);
    assert.equal(Number(rows[0]!.count), 5);
  },
});

const FEW = 1_000;
/** Not so many that an index is a level deeper, which is a block for each message looked at. */
const MANY = 40_000;
/** Blocks: fewer than the smallest of the tables has by then. */
const GROWTH_MAX = 250;
/** The reader, who helps at a desk of the app and has a full history with each of two customers. */
const READER_ID = 1;
const STORE_ID = 1;
const OWN_COUNT = 1_500;

/** What the reader has, once. */
const OWN = [
  `insert into apps (id, name, secret_hash, created_at) overriding system value
   values (${TENANT_ID}, 'a', 's', now())`,
  `insert into stores (id, app_id, name, created_at) overriding system value
   values (${STORE_ID}, ${TENANT_ID}, 'desk', now())`,
  `insert into sellers values (${STORE_ID}, 2, 0), (${STORE_ID}, 3, 1)`,
  `insert into customers values (${READER_ID}, ${TENANT_ID}, 'reader', now())`,
  `insert into users (id, uid, app_id, app_uid, created_at, updated_at)
   select n, md5(n::text), ${TENANT_ID}, n, now(), now() from generate_series(1, 3) n`,
  `insert into messages (id, channel_type, sender_id, receiver_id, payload, red_dot, created_at)
   overriding system value
   select n, 1, 2 + n % 2, ${READER_ID}, '{"type":1}', true, now()
   from generate_series(1, ${OWN_COUNT}) n`,
  `insert into inbox select ${READER_ID}, n, n, 1, 2 + n % 2 from generate_series(1, ${OWN_COUNT}) n`,
  `insert into inbox_heads (user_id, last_seq) values (${READER_ID}, ${OWN_COUNT})`,
  `insert into conversations (user_id, channel_type, channel_id, last_seq, updated_at)
   select ${READER_ID}, 1, n, ${OWN_COUNT}, now()
   from generate_series(2, 3) n`,
];

/** Other people of the app numbered `$1` to `$2`, their desks, chats and super groups. */
const OTHERS = [
  `insert into users (id, uid, app_id, app_uid, created_at, updated_at)
   select 10 + n, md5((10 + n)::text), ${TENANT_ID}, 10 + n, now(), now()
   from generate_series($1::int, $2::int) n`,
  `insert into customers select 10 + n, ${TENANT_ID}, n::text, now()
   from generate_series($1::int, $2::int) n`,
  `insert into stores (id, app_id, name, created_at) overriding system value
   select 10 + n, 2000 + n, 'desk', now() from generate_series($1::int, $2::int) n`,
  `insert into sellers select 10 + n, 10 + n, 0 from generate_series($1::int, $2::int) n`,
  `insert into messages (id, channel_type, sender_id, receiver_id, payload, red_dot, created_at)
   overriding system value
   select 10000 + n, 1, 2, 10 + n, '{"type":1}', true, now()
   from generate_series($1::int, $2::int) n`,
  `insert into inbox select 10 + n, 1, 10000 + n, 1, 2 from generate_series($1::int, $2::int) n`,
  `insert into inbox_heads (user_id, last_seq)
   select 10 + n, 1 from generate_series($1::int, $2::int) n`,
  `insert into conversations (user_id, channel_type, channel_id, last_seq, updated_at)
   select 10 + n, 1, 2, 1, now()
   from generate_series($1::int, $2::int) n`,
  `insert into group_members (group_id, user_id, joined_at)
   select 10 + n, 10 + n, now() from generate_series($1::int, $2::int) n`,
  `insert into group_heads select 10 + n, 1 from generate_series($1::int, $2::int) n`,
  `insert into group_logs select 10 + n, 1, 10000 + n from generate_series($1::int, $2::int) n`,
];

const READS: Record<string, (ctx: Ctx) => Promise<unknown>> = {
  "GET /messages": (ctx) => readHistory(ctx, { tenantId: TENANT_ID, userId: READER_ID }),
  "GET /messages?store=": (ctx) =>
    readHistory(ctx, { tenantId: TENANT_ID, userId: READER_ID, storeId: STORE_ID }),
  "GET /messages/offline": (ctx) =>
    countOffline(ctx, { tenantId: TENANT_ID, appId: TENANT_ID, customerId: "reader" }),
};

async function fill({ client }: StatementListener, statements: string[], values: number[]) {
  // Rows are right by construction; looking every reference up would take most of the time.
  await client.query("set session_replication_role = replica");
  for (const statement of statements) await client.query(statement, values);
  await client.query("set session_replication_role = origin");
  await client.query("vacuum analyze");
}

Deno.test({
  name: "reading one's messages costs the same however many others have",
  ignore: !postgres,
  async fn(t) {
    await using listener = await StatementListener.open(await postgres!.newDatabase());
    const measure = async () => {
      const measured: Record<string, Awaited<ReturnType<StatementListener["costOf"]>>> = {};
      for (const [name, read] of Object.entries(READS)) {
        measured[name] = await listener.costOf(read);
      }
      return measured;
    };
    await fill(listener, OWN, []);
    await fill(listener, OTHERS, [1, FEW]);
    const few = await measure();
    await fill(listener, OTHERS, [FEW + 1, MANY]);
    const many = await measure();
    for (const name of Object.keys(READS)) {
      await t.step(name, () => {
        const { answer } = few[name]!;
        const count = Array.isArray(answer) ? answer.length : answer;
        assert.equal(count, HISTORY_COUNT_MAX);
        assert.deepEqual(many[name]!.answer, answer);
        const less = few[name]!.costs.custom.buffers;
        for (const mode of PLAN_MODES) {
          const more = many[name]!.costs[mode].buffers;
          assert.ok(more - less < GROWTH_MAX, `${mode} plan: ${less} buffers became ${more}`);
        }
      });
    }
  },
});
