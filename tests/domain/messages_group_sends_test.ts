import { and, eq } from "drizzle-orm";
import assert from "node:assert/strict";
import { withTrips } from "../../config/runtime/trips.ts";
import type { Ctx } from "../../db/client/ctx.ts";
import { DomainError } from "../../db/domain/errors.ts";
import { acceptMessage } from "../../db/domain/messages/accept.ts";
import { acceptSeveral } from "../../db/domain/messages/accept_several.ts";
import { VERDICTS } from "../../db/domain/messages/channel.ts";
import { GroupSends } from "../../db/domain/messages/group_sends.ts";
import { KeptSetting } from "../../db/domain/messages/rules.ts";
import { readInbox } from "../../db/domain/messages/read_inbox.ts";
import { groupMembers, groups } from "../../db/schema/groups.ts";
import { ChannelType, conversations } from "../../db/schema/messages.ts";
import { startTestApp } from "../harness.ts";
import { makeGroup, makeUsers } from "../people/factories.ts";
import { openPatiently, startPostgres } from "../services/postgres.ts";

const text = (content: string) => JSON.stringify({ type: 1, content });

interface Saying {
  senderId: number;
  clientMsgNo?: string;
  content: string;
  redDot?: boolean;
}

const sayingOf = ({ senderId, clientMsgNo, content, redDot = true }: Saying) => ({
  senderId,
  clientMsgNo,
  payload: text(content),
  redDot,
  syncOnce: false,
  setting: redDot ? KeptSetting.receipt : 0,
});

const inboxOf = (ctx: Ctx, userId: number) => readInbox(ctx, { userId, afterSeq: 0, limit: 500 });

/** What a member sees of what was said, by all that does not depend on the group. */
async function seenBy(ctx: Ctx, userId: number) {
  const messages = (await inboxOf(ctx, userId)).map((message) => ({
    seq: message.seq,
    fromUid: message.fromUid,
    clientMsgNo: message.clientMsgNo,
    payload: message.payload,
    redDot: message.redDot,
    setting: message.setting,
  }));
  const [conversation] = await ctx.db.select().from(conversations)
    .where(eq(conversations.userId, userId));
  return { messages, lastSeq: conversation?.lastSeq, unreadCount: conversation?.unreadCount };
}

/** An app of its own, so that both have the same numbers. */
async function openGroup(over: Partial<typeof groups.$inferInsert>) {
  const app = await startTestApp();
  const { ctx } = app;
  const people = await makeUsers(ctx, 4);
  const group = await makeGroup(ctx, people.slice(0, 3), over);
  await ctx.db.update(groupMembers).set({ mutedUntil: new Date(ctx.now().getTime() + 60_000) })
    .where(and(eq(groupMembers.groupId, group.id), eq(groupMembers.userId, people[1]!.id)));
  return { app, ctx, people, group };
}

async function aloneOf(ctx: Ctx, groupId: number, saying: Saying) {
  try {
    const channel = { type: ChannelType.group, groupId };
    const accepted = await acceptMessage(ctx, { ...sayingOf(saying), channel });
    return { messageId: accepted.messageId, senderSeq: accepted.senderSeq };
  } catch (error) {
    return (error as DomainError).kind;
  }
}

const SHAPES: [string, Partial<typeof groups.$inferInsert>][] = [
  ["a group", {}],
  ["a group with a log", { isSuper: true }],
  ["a group in which only its managers speak", { forbidden: true }],
  ["a group that is no more", { disbandedAt: new Date() }],
];

for (const [name, over] of SHAPES) {
  Deno.test(`several messages to ${name} are accepted as one after the other would be`, async () => {
    const [one, other] = [await openGroup(over), await openGroup(over)];
    await using _one = one.app;
    await using _other = other.app;
    const [owner, muted, member, stranger] = one.people.map((_, at) => at);
    const batches: { by: number; no?: string; redDot?: boolean }[][] = [
      [{ by: owner!, no: "a" }, { by: member! }, { by: owner!, no: "b", redDot: false }],
      [{ by: muted!, no: "a" }, { by: stranger! }, { by: member!, no: "a" }, { by: owner! }],
      [{ by: owner!, no: "a" }, { by: member! }, { by: member!, no: "a" }],
      [{ by: stranger! }, { by: muted! }],
    ];
    let said = 0;
    for (const batch of batches) {
      const sayings = batch.map(({ by, no, redDot }) => ({
        by,
        content: `${++said}`,
        ...no !== undefined && { clientMsgNo: no },
        ...redDot !== undefined && { redDot },
      }));
      const alone: unknown[] = [];
      for (const { by, ...saying } of sayings) {
        const senderId = one.people[by]!.id;
        alone.push(await aloneOf(one.ctx, one.group.id, { ...saying, senderId }));
      }
      const { each } = await acceptSeveral(other.ctx, {
        groupNo: other.group.groupNo,
        said: sayings.map(({ by, ...saying }) => ({
          ...sayingOf({ ...saying, senderId: other.people[by]!.id }),
          at: other.ctx.now(),
        })),
      });
      const outcomes = each.map(({ verdict, messageId, senderSeq }) =>
        VERDICTS[verdict] ?? { messageId, senderSeq }
      );
      assert.deepEqual(numbered(outcomes), numbered(alone));
    }
    for (const at of one.people.keys()) {
      const [seen, expected] = [
        await seenBy(other.ctx, other.people[at]!.id),
        await seenBy(one.ctx, one.people[at]!.id),
      ];
      const uids = (people: { uid: string }[], messages: typeof seen.messages) =>
        messages.map((it) => ({
          ...it,
          fromUid: people.findIndex(({ uid }) => uid === it.fromUid),
        }));
      assert.deepEqual(
        { ...seen, messages: uids(other.people, seen.messages) },
        { ...expected, messages: uids(one.people, expected.messages) },
      );
    }
  });
}

/** Refusals, and numbers of what was accepted: the ids of two databases need not be the same. */
function numbered(outcomes: unknown[]): unknown[] {
  return outcomes.map((outcome) =>
    typeof outcome === "string" ? outcome : (outcome as { senderSeq: number }).senderSeq
  );
}

Deno.test("what comes while a group's message is accepted is accepted together, in order", async () => {
  await using app = await startTestApp();
  const { ctx } = app;
  const people = await makeUsers(ctx, 3);
  const group = await makeGroup(ctx, people);
  const sends = new GroupSends(ctx);
  await withTrips(async (trips) => {
    const sent = await Promise.all(Array.from({ length: 41 }, (_, at) =>
      sends.send({
        ...sayingOf({ senderId: people[at % 3]!.id, content: `${at}` }),
        groupNo: group.groupNo,
      })));
    assert.equal(trips.sql.count, 3);
    assert.deepEqual(
      sent.map(({ senderSeq }) => senderSeq),
      Array.from({ length: 41 }, (_, n) => n + 1),
    );
  });
  const inbox = await inboxOf(ctx, people[1]!.id);
  assert.deepEqual(
    inbox.map(({ payload }) => payload),
    Array.from({ length: 41 }, (_, n) => text(`${n}`)),
  );
});

Deno.test("of messages together the one that no database takes fails alone", async () => {
  await using app = await startTestApp();
  const { ctx } = app;
  const [person] = await makeUsers(ctx, 1);
  const { groupNo } = await makeGroup(ctx, [person!]);
  const sends = new GroupSends(ctx);
  const numbers = ["first", "one", "nul \u0000", "one", "two"];
  const outcomes = await Promise.allSettled(
    numbers.map((clientMsgNo) =>
      sends.send({ ...sayingOf({ senderId: person!.id, content: "x", clientMsgNo }), groupNo })
    ),
  );
  assert.deepEqual(
    outcomes.map((it) => it.status === "fulfilled" ? it.value.senderSeq : "failed"),
    [
      1,
      2,
      "failed",
      2,
      3,
    ],
  );
});

Deno.test("messages together fail together when the database is away, and the next are others", async () => {
  await using app = await startTestApp();
  const { ctx } = app;
  const [person] = await makeUsers(ctx, 1);
  const { groupNo } = await makeGroup(ctx, [person!]);
  let statementCount = 0;
  const execute = () => {
    statementCount++;
    return Promise.reject(new Error("Connection terminated"));
  };
  const broken = { ...ctx, db: Object.create(ctx.db, { execute: { value: execute } }) };
  const sends = new GroupSends(broken);
  const said = { ...sayingOf({ senderId: person!.id, content: "x" }), groupNo };
  const outcomes = await Promise.allSettled(Array.from({ length: 5 }, () => sends.send(said)));
  assert.ok(outcomes.every(({ status }) => status === "rejected"));
  assert.equal(statementCount, 2, "the first, and the others together: nothing is tried again");
  broken.db = ctx.db;
  assert.equal((await sends.send(said)).senderSeq, 1);
});

const postgres = await startPostgres();
Deno.test.afterAll(async () => await postgres?.[Symbol.asyncDispose]());

Deno.test({
  name: "two processes' messages to one group, repeats among them, are dense, once and in order",
  ignore: !postgres,
  async fn() {
    const url = await postgres!.newDatabase();
    const databases = [openPatiently(url), openPatiently(url)];
    await using app = await startTestApp({ database: databases[0]! });
    const ctxs = databases.map(({ db, transact }) => ({ ...app.ctx, db, transact }));
    const people = await makeUsers(app.ctx, 10);
    const { groupNo } = await makeGroup(app.ctx, people);
    const sends = ctxs.map((ctx) => new GroupSends(ctx));
    const sent = await Promise.all(Array.from({ length: 400 }, async (_, at) => {
      // Each number comes twice, once by each process.
      const clientMsgNo = `m-${at >> 1}`;
      const said = sayingOf({
        senderId: people[(at >> 1) % 10]!.id,
        content: clientMsgNo,
        clientMsgNo,
      });
      return { clientMsgNo, ...await sends[at % 2]!.send({ ...said, groupNo }) };
    }));
    assert.equal(new Set(sent.map(({ messageId }) => messageId)).size, 200);
    for (const { id } of people) {
      const inbox = await inboxOf(app.ctx, id);
      assert.deepEqual(inbox.map(({ seq }) => seq), Array.from({ length: 200 }, (_, n) => n + 1));
      assert.equal(new Set(inbox.map(({ clientMsgNo }) => clientMsgNo)).size, 200);
    }
    await databases[1]!.close();
  },
});
