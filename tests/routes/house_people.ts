import assert from "node:assert/strict";
import { askIm } from "../clients/im.ts";
import { askPartner, grantToken, type PartnerCall } from "../clients/partner.ts";
import type { TestApp } from "../harness.ts";
import { type ChatPerson, makeChatPerson, makeFriends } from "./im/chat_people.ts";
import type { PartnerServer } from "./partner/group_place.ts";

// deno-lint-ignore no-explicit-any -- each test knows what it asked for
type Json = any;

/** A message as somebody's chat app syncs it. */
export interface Synced {
  id: number;
  seq: number;
  channel: string;
  payload: Json;
  redDot: boolean;
  isDeleted: boolean;
}

/** A message as a partner's client lists it. */
export interface Listed {
  id: number;
  content: string;
  timestamp: number;
  sender: number;
  receiver: number;
  command: number;
}

const PAGE = 500;

/** Somebody of the house, who reads with the chat app and with a partner's client. */
export class HousePerson {
  readonly uid: string;
  readonly name: string;
  /** Their number, on every surface. */
  readonly number: number;

  constructor(
    private readonly app: TestApp,
    private readonly server: PartnerServer,
    readonly login: ChatPerson,
  ) {
    this.uid = login.uid;
    this.name = login.name;
    this.number = login.userId;
  }

  im(method: string, path: string, body?: unknown, query?: Record<string, string>): Promise<Json> {
    const { token } = this.login;
    return askIm(this.app, method, path, { token, body, ...query && { query } });
  }

  #bearer: string | undefined;
  async client(operation: string, call: PartnerCall = {}): Promise<Json> {
    this.#bearer ??= await grantToken(this.app, this.server, { uid: this.number });
    return await askPartner(this.app, operation, { bearer: this.#bearer, ...call });
  }

  /** Everything in the inbox after a number, oldest first; nothing is acknowledged. */
  async sync(afterSeq = 0): Promise<Synced[]> {
    const all: Synced[] = [];
    for (let after = afterSeq;;) {
      const body = { limit: PAGE, max_message_seq: after };
      const page: Json[] = await this.im("POST", "/message/sync", body);
      all.push(...page.map(syncedOf));
      if (page.length < PAGE) return all;
      after = all.at(-1)!.seq;
    }
  }

  /** What their partner's client lists, oldest first. */
  async list(): Promise<Listed[]> {
    return (await this.client("GET /messages")).reverse();
  }

  async offlineCount(): Promise<number> {
    return (await this.client("GET /messages/offline")).count;
  }

  /** The chat app's conversation of that channel; undefined when there is none. */
  async conversation(channel: string): Promise<{ unread: number; last: Synced } | undefined> {
    const found = (await this.im("GET", "/conversations"))
      .find(({ channel_id }: Json) => channel_id === channel);
    return found && { unread: found.unread, last: syncedOf(found.last_message) };
  }
}

export function syncedOf(message: Json): Synced {
  const bytes = Uint8Array.from(atob(message.payload), (letter) => letter.charCodeAt(0));
  return {
    id: message.message_id,
    seq: message.message_seq,
    channel: message.channel_id,
    payload: JSON.parse(new TextDecoder().decode(bytes)),
    redDot: message.header.red_dot === 1,
    isDeleted: message.is_deleted === 1,
  };
}

/** People of the house, each a friend of the first. */
export async function makeHousePeople(
  app: TestApp,
  server: PartnerServer,
  names: string[],
): Promise<HousePerson[]> {
  const people: HousePerson[] = [];
  for (const name of names) {
    people.push(new HousePerson(app, server, await makeChatPerson(app, name)));
  }
  const [first, ...others] = people;
  for (const other of others) await makeFriends(app, first!.login, other.login);
  return people;
}

/** A group as both sides know it. */
export interface HouseGroup {
  /** The partner's id of it. */
  gid: number;
  /** The chat app's number of it. */
  groupNo: string;
}

/** A group the first owns and all are in, made in the chat app. */
export async function openHouseGroup(people: HousePerson[], name: string): Promise<HouseGroup> {
  const [owner, ...others] = people;
  const members = others.map(({ uid }) => uid);
  const { group_no: groupNo } = await owner!.im("POST", "/group/create", { name, members });
  const [newest] = await owner!.client("GET /client/groups");
  assert.equal(newest.name, name);
  return { gid: newest.id, groupNo };
}
