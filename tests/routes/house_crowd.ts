import { sql } from "drizzle-orm";
import { randomHex32 } from "../../config/keys.ts";
import { startTestApp, type TestApp, type TestAppOptions } from "../harness.ts";
import { type HouseGroup, type HousePerson, makeHousePeople } from "./house_people.ts";
import { openServer, type PartnerServer } from "./partner/group_place.ts";

/** A house full of people of whom three are looked at: Ann who owns groups, Bob, and Cid who speaks. */
export interface CrowdedHouse extends AsyncDisposable {
  app: TestApp;
  server: PartnerServer;
  /** Numbers of people who never call. */
  crowd: number[];
}

export async function openCrowdedHouse(
  crowdCount = 502,
  options: TestAppOptions = {},
): Promise<CrowdedHouse> {
  const app = await startTestApp(options);
  const server = await openServer(app, { house: true });
  const { rows } = await app.ctx.db.execute<{ id: string }>(sql`
    insert into users (id, app_uid, uid, nickname, profile_at, created_at, updated_at)
    select nextval('users_id_seq'), currval('users_id_seq'), md5(${randomHex32()} || n), 'P' || n,
      now(), now(), now()
    from generate_series(1, ${crowdCount}::int) as n returning id`);
  const crowd = rows.map(({ id }) => Number(id));
  return { app, server, crowd, [Symbol.asyncDispose]: () => app[Symbol.asyncDispose]() };
}

/** A group of the crowd in which nobody has read anything yet. */
export class CrowdGroup implements HouseGroup {
  private constructor(
    private readonly house: CrowdedHouse,
    readonly gid: number,
    readonly groupNo: string,
    readonly ann: HousePerson,
    readonly bob: HousePerson,
    readonly cid: HousePerson,
  ) {}

  /** Of so many people, the three among them, who are new. */
  static async open(
    house: CrowdedHouse,
    { size, isSuper = false }: { size: number; isSuper?: boolean },
  ): Promise<CrowdGroup> {
    const { app, server, crowd } = house;
    const [ann, bob, cid] = await makeHousePeople(app, server, ["Ann", "Bob", "Cid"]);
    const members = [ann!, bob!, cid!].map(({ number }) => number).concat(crowd.slice(0, size - 3));
    const body = { master: ann!.number, name: "大群", super: isSuper, members };
    const { group_id: gid } = await server.ask("POST /groups", { body });
    const [{ channel_id: groupNo }] = await cid!.im("GET", "/conversations");
    return new CrowdGroup(house, gid, groupNo, ann!, bob!, cid!);
  }

  get people() {
    return { ann: this.ann, bob: this.bob, cid: this.cid };
  }

  /** Cid says these, one after the other. */
  async say(...words: string[]): Promise<void> {
    for (const content of words) {
      const body = { sender: this.cid.number, receiver: this.gid, content };
      await this.house.server.ask("POST /messages/groups", { body });
    }
  }

  /** Cid has said so many words in the group's log, straight in the database. */
  async log(count: number): Promise<string[]> {
    const words = Array.from({ length: count }, (_, at) => `w${at}`);
    await this.house.app.ctx.db.execute(sql`
      with head as (
        insert into group_heads (group_id, last_seq) values (${this.gid}, ${count})
        on conflict (group_id) do update set last_seq = group_heads.last_seq + excluded.last_seq
        returning last_seq
      ), said as (
        insert into messages
          (channel_type, sender_id, group_id, payload, red_dot, is_logged, created_at)
        select 2, ${this.cid.number}::bigint, ${this.gid}::bigint,
          '{"type":1,"content":"w' || n || '"}', true, true, now()
        from generate_series(0, ${count - 1}::int) as n order by n returning id
      )
      insert into group_logs (group_id, seq, message_id)
      select ${this.gid}, last_seq - ${count} + row_number() over (order by id), id
      from said, head`);
    return words;
  }

  /** The last of the crowd go, by the partner's server. */
  async shrink(count: number, size: number): Promise<void> {
    const body = this.house.crowd.slice(size - 3 - count, size - 3);
    await this.server("DELETE /groups/{gid}/members", body);
  }

  async grow(count: number, size: number): Promise<void> {
    const body = this.house.crowd.slice(size - 3, size - 3 + count);
    await this.server("POST /groups/{gid}/members", body);
  }

  /** The partner's server does something to the group. */
  async server(operation: string, body?: unknown, params = {}): Promise<void> {
    const call = { params: { gid: this.gid, ...params }, body };
    await this.house.server.ask(operation, call);
  }

  /** A partner's client of somebody does. */
  async client(by: HousePerson, operation: string, body?: unknown, params = {}): Promise<void> {
    await by.client(operation, { params: { gid: this.gid, ...params }, body });
  }
}
