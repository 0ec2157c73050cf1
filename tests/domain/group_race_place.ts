import assert from "node:assert/strict";
import { openPg } from "../../db/client/pg.ts";
import { MIGRATIONS_FOLDER } from "../../db/client/migrations.ts";
import { type CrowdedHouse, openCrowdedHouse } from "../routes/house_crowd.ts";
import type { HouseGroup, HousePerson } from "../routes/house_people.ts";
import type { TestPostgres } from "../services/postgres.ts";

export const numbers = (count: number) => Array.from({ length: count }, (_, at) => at);
export const namesUpTo = (count: number) => numbers(count).map((at) => `P${at}`);

export interface RacePlace extends CrowdedHouse {
  /** Ends all connections, and asserts that no two had waited for each other meanwhile. */
  close(): Promise<void>;
}

export async function openRacePlace(
  postgres: TestPostgres,
  crowdCount: number,
): Promise<RacePlace> {
  const url = await postgres.newDatabase();
  const database = openPg(url, { connectMs: 60_000, statementMs: 20_000 });
  await database.migrate(MIGRATIONS_FOLDER);
  const house = await openCrowdedHouse(crowdCount, { database });
  const name = new URL(url).pathname.slice(1);
  let isClosed = false;
  const close = async () => {
    isClosed = true;
    // A connection hands in its counters when it ends, at the latest.
    await database.close();
    const [row] = await postgres.psql(
      `select deadlocks from pg_stat_database where datname = '${name}'`,
    );
    assert.equal(row!.deadlocks, "0", "no deadlock");
  };
  const dispose = async () => {
    if (!isClosed) await database.close();
    await house[Symbol.asyncDispose]();
  };
  return { ...house, close, [Symbol.asyncDispose]: dispose };
}

export async function openGroup(
  { server, crowd }: CrowdedHouse,
  people: HousePerson[],
  { isSuper, crowdCount = 0 }: { isSuper: boolean; crowdCount?: number },
): Promise<HouseGroup & { owner: HousePerson }> {
  const [owner] = people;
  const members = people.map(({ number }) => number).concat(crowd.slice(0, crowdCount));
  const body = { master: owner!.number, name: "群", super: isSuper, members };
  const { group_id: gid } = await server.ask("POST /groups", { body });
  const [newest] = await owner!.im("GET", "/conversations");
  return { gid, groupNo: newest.channel_id, owner: owner! };
}

export function say(
  house: CrowdedHouse,
  { gid }: HouseGroup,
  { number }: HousePerson,
  content: string,
) {
  const body = { sender: number, receiver: gid, content };
  return house.server.ask("POST /messages/groups", { body });
}

/** A way out for one person. */
export interface Door {
  door: string;
  go(
    house: CrowdedHouse,
    group: HouseGroup & { owner: HousePerson },
    person: HousePerson,
  ): Promise<unknown>;
}

export const DOORS: Door[] = [
  {
    door: "DELETE /groups/{group_no}/members",
    go: (_, { owner, groupNo }, { uid }) =>
      owner.im("DELETE", `/groups/${groupNo}/members`, { members: [uid] }),
  },
  {
    door: "POST /groups/{group_no}/exit",
    go: (_, { groupNo }, person) => person.im("POST", `/groups/${groupNo}/exit`),
  },
  {
    door: "DELETE /groups/{gid}/members",
    go: ({ server }, { gid }, { number }) =>
      server.ask("DELETE /groups/{gid}/members", { params: { gid }, body: [number] }),
  },
  {
    door: "DELETE /client/groups/{gid}/members/{mid}",
    go: (_, { gid }, person) =>
      person.client("DELETE /client/groups/{gid}/members/{mid}", {
        params: { gid, mid: person.number },
      }),
  },
];
export const KINDS = [{ kind: "small group", isSuper: false }, {
  kind: "super group",
  isSuper: true,
}];
