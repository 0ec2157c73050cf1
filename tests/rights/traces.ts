import { sql } from "drizzle-orm";
import type { BusEvent } from "../../db/bus/bus.ts";
import type { TestApp } from "../harness.ts";

/** What a refused call may leave behind: that it was made. */
export const EXEMPT_TABLES = ["call_guards", "captcha_audit", "captcha_sends", "tries"];
/** Columns that say when somebody was last heard of, or how often they were wrong. */
const EXEMPT_COLUMNS = ["last_used_at", "seen_at", "pay_try_count"];

/** One thing that is not as it was: a row, an event on the bus, a message sent. */
export type Trace = Record<string, unknown>;

/** Sees whatever calls leave behind in the database, on the bus, and with those who send. */
export interface Traces {
  /** What was left since the last time this was asked. */
  take(): Promise<Trace[]>;
}

/**
 * Begins to watch. A trigger on every table writes down each row that is added, gone, or another
 * than before, which finds as much as comparing all contents, and costs nothing where nothing is.
 */
export async function watchTraces(app: TestApp): Promise<Traces> {
  await installTriggers(app);
  let heard: BusEvent[] = [];
  app.bus.subscribe((event) => void heard.push(event));
  let lastSent = app.providers.outbox!.list()[0];
  return {
    async take() {
      const { rows } = await app.ctx.db.execute<Trace>(sql`
        delete from rights.traces returning place, was, is_now`);
      const sent = app.providers.outbox!.list();
      const newest = sent.findIndex((item) => item === lastSent);
      const fresh = newest === -1 ? sent : sent.slice(0, newest);
      const events = heard;
      [heard, lastSent] = [[], sent[0]];
      return [
        ...rows,
        ...events.map((event) => ({ event })),
        ...fresh.map((message) => ({ message })),
      ];
    },
  };
}

async function installTriggers({ ctx }: TestApp): Promise<void> {
  const { rows } = await ctx.db.execute<{ table: string }>(sql`
    select tablename as "table" from pg_tables where schemaname = 'public'`);
  await ctx.db.execute(sql`create schema rights`);
  await ctx.db.execute(sql`
    create table rights.traces (place text not null, was jsonb, is_now jsonb)`);
  await ctx.db.execute(sql.raw(`
    create function rights.note() returns trigger language plpgsql as $$
    declare
      was jsonb := case when tg_op <> 'INSERT' then to_jsonb(old) - tg_argv[0]::text[] end;
      is_now jsonb := case when tg_op <> 'DELETE' then to_jsonb(new) - tg_argv[0]::text[] end;
    begin
      if was is distinct from is_now then
        insert into rights.traces values (tg_table_name, was, is_now);
      end if;
      return null;
    end $$`));
  for (const { table } of rows) {
    if (EXEMPT_TABLES.includes(table)) continue;
    await ctx.db.execute(sql.raw(`
      create trigger rights_note after insert or update or delete on "${table}"
      for each row execute function rights.note('{${EXEMPT_COLUMNS.join(",")}}')`));
  }
}
