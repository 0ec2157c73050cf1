import type { PGlite } from "@electric-sql/pglite";
import type { Database } from "../db/client/ctx.ts";
import { overPglite } from "../db/client/pglite.ts";

/** A table as a new database has it. */
interface FirstRows {
  table: string;
  columns: string;
  rows: string;
}

interface FirstState {
  tables: string[];
  filled: FirstRows[];
  sequences: { name: string; value: string; isCalled: boolean }[];
}

/** What says more than rows: a database in which it was said is not used again. */
const LASTING = /\b(alter|create|drop|truncate|set session_\w+|set_config)\b/i;

const idle: { pglite: PGlite; first: FirstState }[] = [];

/**
 * An embedded database that is emptied when it is closed, and is the next test's of the same file
 * then: emptying one takes a tenth of what opening one takes. Whoever still works with it after
 * its end is refused, as a closed one refuses.
 */
export async function reusedDatabase(open: () => Promise<PGlite>): Promise<Database> {
  const { pglite, first } = idle.pop() ?? await opened(open);
  let isLasting = false;
  let isClosed = false;
  const admit = (text: string) => {
    if (isClosed) throw new Error("the database is closed");
    isLasting ||= LASTING.test(text);
  };
  type Queryable = Pick<PGlite, "query" | "exec">;
  const guard = (client: Queryable): Queryable => ({
    query: (text, ...more) => (admit(text), client.query(text, ...more)),
    exec: (text, ...more) => (admit(text), client.exec(text, ...more)),
  });
  const lent = {
    ...guard(pglite),
    transaction: (work: (tx: Queryable) => Promise<unknown>) => {
      admit("");
      return pglite.transaction((tx) => work(guard(tx as unknown as Queryable)));
    },
    async close() {
      isClosed = true;
      if (isLasting) return await pglite.close();
      await empty(pglite, first);
      idle.push({ pglite, first });
    },
  };
  return overPglite(lent as unknown as PGlite);
}

async function opened(open: () => Promise<PGlite>) {
  const pglite = await open();
  return { pglite, first: await firstStateOf(pglite) };
}

async function firstStateOf(pglite: PGlite): Promise<FirstState> {
  const { rows: columns } = await pglite.query<{ table: string; columns: string }>(
    `select attrelid::regclass::text as table,
       string_agg(quote_ident(attname), ', ' order by attnum) as columns
     from pg_attribute join pg_class on pg_class.oid = attrelid
     where relkind = 'r' and relnamespace = 'public'::regnamespace
       and attnum > 0 and not attisdropped and attgenerated = ''
     group by attrelid`,
  );
  const tables = columns.map(({ table }) => table);
  const filled: FirstRows[] = [];
  for (const table of await filledOf(pglite, tables)) {
    const { rows: [row] } = await pglite.query<{ rows: string }>(
      `select json_agg(it)::text as rows from ${table} as it`,
    );
    filled.push({ ...columns.find((it) => it.table === table)!, rows: row!.rows });
  }
  const { rows: sequences } = await pglite.query<FirstState["sequences"][number]>(
    `select seqrelid::regclass::text as name,
       coalesce(pg_sequence_last_value(seqrelid), seqstart)::text as value,
       pg_sequence_last_value(seqrelid) is not null as "isCalled"
     from pg_sequence`,
  );
  return { tables, filled, sequences };
}

async function filledOf(pglite: PGlite, tables: string[]): Promise<string[]> {
  const { rows } = await pglite.query<{ table: string }>(
    tables.map((table) => `select '${table}' as table where exists (select from ${table})`)
      .join(" union all "),
  );
  return rows.map(({ table }) => table);
}

async function empty(pglite: PGlite, first: FirstState): Promise<void> {
  const filled = await filledOf(pglite, first.tables);
  const literal = (text: string) => `'${text.replaceAll("'", "''")}'`;
  const restore = [
    ...filled.map((table) => `delete from ${table}`),
    ...first.filled.map(({ table, columns, rows }) =>
      `insert into ${table} (${columns}) overriding system value
       select ${columns} from json_populate_recordset(null::${table}, ${literal(rows)})`
    ),
    ...first.sequences.map(({ name, value, isCalled }) =>
      `select setval(${literal(name)}, ${value}, ${isCalled})`
    ),
  ];
  // Neither triggers nor keys to other tables: what is said is all that happens.
  await pglite.exec(
    ["set session_replication_role = replica", ...restore, "reset session_replication_role"]
      .join(";\n"),
  );
}
