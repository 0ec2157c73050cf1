import { createClient } from "redis";
import { Hono } from "hono";
import pg from "pg";
import { POOL_SIZE_MAX } from "../../db/client/limits.ts";
import { PROFILE_SQL } from "./hot_sql.ts";

/** What makes the trips of a limited read and nothing else: one Redis pipeline, then one SELECT. */
const pool = new pg.Pool({ connectionString: Deno.env.get("DATABASE_URL")!, max: POOL_SIZE_MAX });
const redis = createClient({ url: Deno.env.get("REDIS_URL")!, RESP: 2 });
await redis.connect();

const app = new Hono()
  .get("/healthz", (c) => c.json({ status: "ok" }))
  // One trip and nothing else.
  .get("/one", async (c) => {
    const { rows: [row] } = await pool.query("select 1 as one");
    return c.json(row);
  })
  .get("/user/:uid/profile", async (c) => {
    const caller = c.req.header("authorization")!;
    await Promise.all([
      redis.incr(`rate:${caller}`),
      redis.pExpire(`rate:${caller}`, 20_000),
      redis.mGet([`session:${caller}`, `rate:${caller}:before`]),
    ]);
    const { rows: [row] } = await pool.query(PROFILE_SQL, [c.req.param("uid"), 1]);
    return row ? c.json({ status: 1, message: "Success", result: row }) : c.notFound();
  });

Deno.serve({
  hostname: Deno.env.get("HOST")!,
  port: Number(Deno.env.get("PORT")),
  onListen: () => {},
}, app.fetch);
