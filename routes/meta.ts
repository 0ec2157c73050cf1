import { Hono } from "hono";
import { html } from "hono/html";
import { withDeadline } from "../config/runtime/deadline.ts";
import { lazy } from "../config/runtime/lazy.ts";
import { readMigrationLevel } from "../db/client/migrations.ts";
import { whyNotReady } from "../db/client/readiness.ts";
import project from "../deno.json" with { type: "json" };
import { isAtDevDoor } from "../middleware/dev_doors.ts";
import type { Deps } from "./deps.ts";
import { uploadRoutes } from "./dev.ts";
import { wechatRoutes } from "./gateway/h5_login.ts";
import { imPages } from "./im/pages.ts";
import type { Env } from "./serve.ts";
import { type SurfaceName, surfaceNames } from "./surfaces.ts";

const loadPage = lazy(() => import("./docs/page.ts"));
const loadOpenApi = lazy(() => import("./openapi.ts"));

/**
 * Our own pages and checks, outside every surface: `/`, `/docs`, `/openapi`, `/healthz`, `/livez`,
 * `/readyz`, `/dev`, the way through WeChat's login, and the pages the chat app opens.
 */
export function metaRoutes(deps: Deps): Hono<Env> {
  const hono = new Hono<Env>();
  const about = { version: project.version, publicUrl: deps.config.publicUrl };

  hono.get("/", (c) =>
    c.html(html`
      <!doctype html>
      <html lang="en">
        <head>
          <meta charset="utf-8">
          <title>Plaza</title>
        </head>
        <body>
          <h1>Plaza ${project.version}</h1>
          <p>One edge backend for community apps: audio rooms, chat, wallet, partners, operators.</p>
          <ul>
      <li><a href="/docs">API reference</a></li>
      ${surfaceNames.map((name) =>
        html`<li><a href="/openapi/${name}.json">/openapi/${name}.json</a></li>`
      )}
      <li><a href="/healthz">/healthz</a></li>
          </ul>
        </body>
      </html>
    `));

  hono.get("/docs", async (c) => {
    const { docsPage, DOCS_CONTENT_SECURITY_POLICY } = await loadPage();
    c.header("Content-Security-Policy", DOCS_CONTENT_SECURITY_POLICY);
    return c.html(docsPage(surfaceNames.map((name) => ({ name, title: name }))));
  });

  hono.get("/docs/scalar.js", async (c) => {
    const { scalarScript } = await loadPage();
    return await scalarScript(c.req.raw);
  });

  hono.get("/openapi/:file{[a-z]+\\.json}", async (c, next) => {
    const name = c.req.param("file").replace(".json", "") as SurfaceName;
    if (!surfaceNames.includes(name)) return await next();
    const { openApiText } = await loadOpenApi();
    return c.body(await openApiText(name, about), 200, {
      "Content-Type": "application/json; charset=UTF-8",
    });
  });

  hono.get("/healthz", async (c) => {
    const health = await readHealth(deps);
    return c.json(health, health.status === "down" ? 503 : 200);
  });

  hono.get("/livez", (c) => c.json({ status: "alive" }));

  hono.get("/readyz", async (c) => {
    const why = await whyNotReady(deps);
    // Where the database is, is for the log alone.
    const status = why?.replace(/ \S+:\d+$/, "") ?? "ready";
    return c.json({ status }, why === undefined ? 200 : 503);
  });

  hono.route("/", wechatRoutes(deps));
  hono.route("/", imPages(deps));

  const { outbox } = deps.providers;
  if (outbox) {
    hono.get("/dev/outbox", async (c, next) => {
      if (!isAtDevDoor(c, deps.config)) return await next();
      return c.json(outbox.list({ to: c.req.query("to") }));
    });
  }
  if (deps.providers.uploads) hono.route("/dev/upload", uploadRoutes(deps.providers.uploads));
  return hono;
}

/**
 * How long each part may take to show that it is there, ms: a frozen one would hold a watcher up
 * for as long as a statement may take.
 */
const HEALTH_TIMEOUT_MS = 800;

/**
 * Version and parts. `down` without the database; `degraded` without Redis, since logged-in people
 * go on, or while migrations are missing.
 */
async function readHealth({ database, redis }: Deps) {
  const [sql, ping] = await Promise.allSettled([
    withDeadline("the database", HEALTH_TIMEOUT_MS, () => readMigrationLevel(database.db)),
    withDeadline("redis", HEALTH_TIMEOUT_MS, () => redis.redis.ping()),
  ]);
  const migration = sql.status === "fulfilled" ? sql.value : undefined;
  const redisReachable = ping.status === "fulfilled";
  const status = !migration
    ? "down"
    : !redisReachable || migration.pendingCount > 0
    ? "degraded"
    : "ok";
  return {
    status,
    version: project.version,
    deno: Deno.version.deno,
    database: {
      kind: database.kind,
      reachable: migration !== undefined,
      migration: migration?.applied ?? null,
      pending_migrations: migration?.pendingCount ?? null,
    },
    redis: { kind: redis.kind, reachable: redisReachable },
  };
}
