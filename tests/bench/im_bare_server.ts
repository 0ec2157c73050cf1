import { Hono } from "hono";
import pg from "pg";
import { POOL_SIZE_MAX } from "../../db/client/limits.ts";

/** The least a server that keeps messages can do: one INSERT a request, over the same driver. */
const pool = new pg.Pool({ connectionString: Deno.env.get("DATABASE_URL")!, max: POOL_SIZE_MAX });
await pool.query(`create table bare_messages (
  id bigint generated always as identity primary key,
  sender text not null,
  receiver text not null,
  client_msg_no text not null,
  payload text not null,
  created_at timestamptz not null
)`);
await pool.query("create unique index bare_once on bare_messages (sender, client_msg_no)");

const app = new Hono()
  .get("/healthz", (c) => c.json({ status: "ok" }))
  .post("/messages", async (c) => {
    const { sender, receiver, clientMsgNo, payload } = await c.req.json();
    const { rows: [row] } = await pool.query(
      `insert into bare_messages (sender, receiver, client_msg_no, payload, created_at)
       values ($1, $2, $3, $4, $5) returning id`,
      [sender, receiver, clientMsgNo, payload, new Date()],
    );
    return c.json({ id: row.id });
  });

Deno.serve({
  hostname: Deno.env.get("HOST")!,
  port: Number(Deno.env.get("PORT")),
  onListen: () => {},
}, app.fetch);
