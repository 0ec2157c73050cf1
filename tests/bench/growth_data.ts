import pg from "pg";
import { md5Hex } from "../../config/keys.ts";
import { GROWN_TABLES } from "./growth_tables.ts";

/** What of {@link fillGrown} a caller is told of somebody, `at` 0, 1, 2 … below the number. */
export interface GrownPerson {
  id: number;
  uid: string;
  /** Of a session of the app, good on the gateway and in chat. */
  token: string;
  groupId: number;
  clubId: string;
}

const FIRST_USER_ID = 200_000_000;
const FIRST_GROUP_ID = 8_000_000_000;
const GROUP_MEMBER_COUNT = 50;
/** A tenth of all people is in it. */
export const LARGE_GROUP_ID = FIRST_GROUP_ID - 1;

export function grownPerson(at: number): GrownPerson {
  const group = Math.floor(at / GROUP_MEMBER_COUNT);
  return {
    id: FIRST_USER_ID + at,
    uid: md5Hex(`${at}`),
    token: md5Hex(`token ${at}`),
    groupId: FIRST_GROUP_ID + group,
    clubId: md5Hex(`club ${group}`),
  };
}

/**
 * Fills a migrated database with people, ten rows of inbox and ten conversations each, and all
 * else in proportion: alike whatever the number, so that only sizes differ.
 */
export async function fillGrown(databaseUrl: string, personCount: number): Promise<void> {
  const client = new pg.Client({ connectionString: databaseUrl });
  await client.connect();
  try {
    // Rows are right by construction; looking every reference up would take most of the time.
    await client.query("set session_replication_role = replica");
    // Indexes are built at the end of each table, as loading a dump does.
    await client.query("set maintenance_work_mem = '512MB'");
    for (const [table, statements] of Object.entries(GROWN_TABLES)) {
      await client.query(
        `update pg_index set indisready = false where indrelid = '${table}'::regclass`,
      );
      for (const statement of statements) {
        await client.query(statementOf(statement, personCount));
      }
      await client.query(`reindex table ${table}`);
    }
    await client.query("select setval('users_id_seq', 300000000)");
    await client.query(
      "select setval(pg_get_serial_sequence('messages', 'id'), (select max(id) from messages))",
    );
    await client.query("vacuum analyze");
  } finally {
    await client.end();
  }
}

/** `$people` and what the rows of one statement have in common are written out in each. */
function statementOf(text: string, personCount: number): string {
  return text.replaceAll("$people", String(personCount))
    .replaceAll("$user", String(FIRST_USER_ID))
    .replaceAll("$group", String(FIRST_GROUP_ID))
    .replaceAll("$large", String(LARGE_GROUP_ID));
}
