import { createRoute, OpenAPIHono } from "@hono/zod-openapi";
import type { RouteConfig } from "@hono/zod-openapi";
import { z } from "zod";
import type { Kind } from "../db/domain/errors.ts";
import { wireErrorOfKind } from "./failures.ts";
import type { Endpoint, Guarded, MountedSurface } from "./kit.ts";
import { loadSurface, type SurfaceName } from "./surfaces.ts";

const built = new Map<string, Promise<string>>();

/** A surface's OpenAPI 3.1 document as JSON text; built at the first asking, then kept. */
export function openApiText(
  name: SurfaceName,
  about: { version: string; publicUrl: string | undefined },
): Promise<string> {
  const key = `${name} ${about.publicUrl}`;
  let text = built.get(key);
  if (!text) {
    text = loadSurface(name).then((surface) => JSON.stringify(documentOf(surface, about)));
    built.set(key, text);
  }
  return text;
}

/** Building it takes tens of ms for a large surface, which no request but this one shall pay. */
function documentOf(
  surface: MountedSurface,
  { version, publicUrl }: { version: string; publicUrl: string | undefined },
) {
  const app = new OpenAPIHono();
  const { spec } = surface;
  for (const [name, scheme] of Object.entries(spec.security)) {
    app.openAPIRegistry.registerComponent("securitySchemes", name, scheme as never);
  }
  for (const endpoint of surface.endpoints) {
    app.openAPIRegistry.registerPath(createRoute(routeOf(surface, endpoint)));
  }
  return app.getOpenAPI31Document({
    openapi: "3.1.0",
    info: { title: spec.title, description: spec.description, version },
    ...publicUrl && { servers: [{ url: publicUrl }] },
  });
}

function routeOf({ spec }: MountedSurface, endpoint: Endpoint): RouteConfig {
  const isRead = endpoint.method === "get";
  const guarded: Guarded = { ...(endpoint.options as object), ...endpoint };
  const schemes = spec.schemesOf?.(guarded) ?? Object.keys(spec.security);
  const bodyType = endpoint.takesFile ? "multipart/form-data" : "application/json";
  return {
    method: endpoint.method,
    path: endpoint.path,
    operationId: `${spec.name}_${endpoint.method}_${endpoint.path.replaceAll(/\W+/g, "_")}`,
    summary: endpoint.summary,
    ...endpoint.description && { description: endpoint.description },
    tags: [endpoint.path.split("/")[1]!],
    security: endpoint.open ? [] : schemes.map((name) => ({ [name]: [] })),
    request: {
      ...endpoint.params && { params: endpoint.params as z.ZodObject },
      query: z.object({
        ...spec.commonQuery?.(guarded)?.shape,
        ...(endpoint.query as z.ZodObject | undefined)?.shape,
      }),
      ...endpoint.body && !isRead && {
        body: { required: true, content: { [bodyType]: { schema: endpoint.body } } },
      },
    },
    responses: responsesOf(spec, endpoint, [...spec.commonErrors(guarded), ...endpoint.errors]),
  } as RouteConfig;
}

/** The answer, and the failures grouped by HTTP status; some surfaces answer those with 200 too. */
function responsesOf(
  spec: MountedSurface["spec"],
  { data, answersFile }: Endpoint,
  kinds: Kind[],
) {
  const failures = [...new Set(kinds)]
    .map((kind) => ({ kind, ...wireErrorOfKind(spec.errors, kind) }));
  const byStatus = Map.groupBy(failures, ({ status }) => status);
  const okSchema = answersFile ? data : spec.okSchema(data);
  const okType = answersFile ?? "application/json";
  const responses: Record<number, object> = {
    200: { description: "Done", content: { [okType]: { schema: okSchema } } },
  };
  for (const [status, errors] of byStatus) {
    const isOkToo = status === 200;
    const schema = isOkToo ? z.union([okSchema, spec.failSchema]) : spec.failSchema;
    const list = errors.map(({ kind, code, message }) => `- \`${code}\` ${kind}: ${message}`);
    const examples = Object.fromEntries(
      errors.map((error) => [error.kind, { value: spec.fail(error) }]),
    );
    responses[status] = {
      description: [isOkToo ? "Done, or:" : "Failed:", ...list].join("\n"),
      content: { "application/json": { schema, examples } },
    };
  }
  return responses;
}
