import { sql } from "drizzle-orm";
import { readInbox } from "../../db/domain/messages/read_inbox.ts";
import { askIm, callIm, type ImCall } from "../clients/im.ts";
import type { TestApp } from "../harness.ts";
import { makeAccount } from "./chat_accounts.ts";

/** Somebody of the chat app, with a short way to call it. */
export interface Chatter {
  uid: string;
  token: string;
  userId: number;
  name: string;
  call(method: string, path: string, call?: ImCall): ReturnType<typeof callIm>;
  // deno-lint-ignore no-explicit-any -- each test knows what it asked for
  ask(method: string, path: string, call?: ImCall): Promise<any>;
  /** Payloads of a type in this person's inbox, oldest first, less what partners' clients read. */
  // deno-lint-ignore no-explicit-any -- each test knows what it sent
  received(type: number): Promise<any[]>;
}

export async function makeChatter(app: TestApp, name: string): Promise<Chatter> {
  const { uid, token, userId } = await makeAccount(app, { name });
  return {
    uid,
    token,
    userId,
    name,
    call: (method, path, call = {}) => callIm(app, method, path, { token, ...call }),
    ask: (method, path, call = {}) => askIm(app, method, path, { token, ...call }),
    async received(type) {
      const inbox = await readInbox(app.ctx, { userId, afterSeq: 0, limit: 500 });
      const payloads = inbox.map(({ payload }) => JSON.parse(payload));
      return payloads.filter((it) => it.type === type)
        .map(({ notification: _, further_notifications: __, ...payload }) => payload);
    },
  };
}

export async function makeChatters(app: TestApp, ...names: string[]): Promise<Chatter[]> {
  const made: Chatter[] = [];
  for (const name of names) made.push(await makeChatter(app, name));
  return made;
}

/** Makes `one` and each of the others friends, straight in the database. */
export async function befriend(app: TestApp, one: Chatter, others: Chatter[]): Promise<void> {
  for (const other of others) {
    await app.ctx.db.execute(sql`
      insert into friends (user_id, friend_id, created_at, updated_at)
      select * from (values (${one.userId}::bigint, ${other.userId}::bigint, now(), now()),
        (${other.userId}::bigint, ${one.userId}::bigint, now(), now())) as pair
      on conflict do nothing`);
  }
}

/** A group the first owns, of all of them; its number. */
export async function openGroup(app: TestApp, people: Chatter[], name = "读书会"): Promise<string> {
  const [owner, ...others] = people;
  await befriend(app, owner!, others);
  const members = others.map(({ uid }) => uid);
  return (await owner!.ask("POST", "/group/create", { body: { name, members } })).group_no;
}

/** How many uids live in the group, by its sync. */
// deno-lint-ignore no-explicit-any -- the contract's own fields
export async function syncAll(one: Chatter, groupNo: string): Promise<any[]> {
  return await one.ask("GET", `/groups/${groupNo}/membersync`);
}
