import { Hono } from "hono";

/** The least a server on this runtime and router can be: what Plaza's start is measured against. */
const app = new Hono().get("/healthz", (c) => c.json({ status: "ok" }));

const server = Deno.serve({
  hostname: Deno.env.get("HOST")!,
  port: Number(Deno.env.get("PORT")),
  onListen: () => {},
}, app.fetch);

Deno.addSignalListener("SIGTERM", async () => {
  await server.shutdown();
  Deno.exit(0);
});
