import { createRoute, OpenAPIHono } from "@hono/zod-openapi";
import type { RouteConfig } from "@hono/zod-openapi";
import { z } from "zod";
import type { Endpoint } from "./endpoint.ts";
import { wireErrorOfKind } from "./failures.ts";
import type { MountedSurface } from "./kit.ts";
import { COMMON_ERRORS } from "./spec.ts";
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
  const hono = new OpenAPIHono();
  const { spec } = surface;
  for (const [name, scheme] of Object.entries(spec.security)) {
    hono.openAPIRegistry.registerComponent("securitySchemes", name, scheme as never);
  }
  for (const endpoint of surface.endpoints) {
    hono.openAPIRegistry.registerPath(createRoute(routeOf(surface, endpoint)));
  }
  return hono.getOpenAPI31Document({
    openapi: "3.1.0",
    info: { title: spec.title, description: spec.description, version },
    ...publicUrl && { servers: [{ url: publicUrl }] },
  });
}

function routeOf({ spec }: MountedSurface, endpoint: Endpoint): RouteConfig {
  const schemes = spec.schemesOf?.(endpoint) ?? Object.keys(spec.security);
  const bodyType = endpoint.takesFile ? "multipart/form-data" : "application/json";
  return {
    method: endpoint.method,
    path: endpoint.path,
    operationId: `${spec.name}_${endpoint.method}_${endpoint.path.replaceAll(/\W+/g, "_")}`,
    summary: endpoint.summary,
    ...endpoint.description && { description: endpoint.description },
    tags: [endpoint.path.split("/")[1]!],
    security: endpoint.open ? [] : schemes.map((name) => ({ [name]: [] })),
    parameters: [
      ...parametersOf("path", endpoint.params, pathNames(endpoint.path)),
      ...parametersOf("query", spec.commonQuery?.(endpoint)),
      ...parametersOf("query", endpoint.query),
    ],
    ...endpoint.body && endpoint.method !== "get" && {
      request: {
        body: {
          required: !endpoint.body.safeParse({}).success,
          content: { [bodyType]: { schema: jsonSchemaOf(endpoint.body, "input") } },
        },
      },
    },
    responses: responsesOf(spec, endpoint),
  } as RouteConfig;
}

/** zod's own, which knows every kind of schema; `input`: what is sent, `output`: what comes back. */
function jsonSchemaOf(schema: z.ZodType, io: "input" | "output"): object {
  const { $schema: _, ...rest } = z.toJSONSchema(schema, { io, unrepresentable: "any" });
  return rest;
}

function pathNames(path: string): string[] {
  return [...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => name!);
}

/** The properties of an object's schema as parameters; in a path those its text names. */
function parametersOf(
  place: "path" | "query",
  schema: z.ZodType | undefined,
  names?: string[],
): object[] {
  const { properties = {}, required = [] } = schema
    ? jsonSchemaOf(schema, "input") as { properties?: Record<string, object>; required?: string[] }
    : {};
  return (names ?? Object.keys(properties)).map((name) => {
    const { description, ...rest } = (properties[name] ?? { type: "string" }) as {
      description?: string;
    };
    return {
      name,
      in: place,
      required: place === "path" || required.includes(name),
      ...description !== undefined && { description },
      schema: rest,
    };
  });
}

/** The answer, and the failures grouped by HTTP status; some surfaces answer those with 200 too. */
function responsesOf(
  spec: MountedSurface["spec"],
  endpoint: Endpoint,
) {
  const { data, answersFile, redirects, errors = [] } = endpoint;
  const kinds = new Set([...COMMON_ERRORS, ...spec.impliedErrors(endpoint), ...errors]);
  const failures = [...kinds]
    .map((kind) => ({ kind, ...wireErrorOfKind(spec.errors, kind) }));
  const byStatus = Map.groupBy(failures, ({ status }) => status);
  const okSchema = answersFile ? data : spec.okSchema(data, endpoint);
  const okTypes = [answersFile ?? "application/json"].flat();
  const okContent = { schema: jsonSchemaOf(okSchema, "output") };
  const responses: Record<number, object> = {
    200: {
      description: "Done",
      content: Object.fromEntries(okTypes.map((type) => [type, okContent])),
    },
  };
  if (redirects) {
    responses[302] = { description: "Somewhere else, as `Location` says", content: {} };
  }
  for (const [status, errors] of byStatus) {
    const isOkToo = status === 200;
    const schema = isOkToo ? z.union([okSchema, spec.failSchema]) : spec.failSchema;
    const list = errors.map(({ kind, code, message }) => `- \`${code}\` ${kind}: ${message}`);
    const examples = Object.fromEntries(
      errors.map((error) => [error.kind, { value: spec.fail(error) }]),
    );
    responses[status] = {
      description: [isOkToo ? "Done, or:" : "Failed:", ...list].join("\n"),
      content: { "application/json": { schema: jsonSchemaOf(schema, "output"), examples } },
    };
  }
  return responses;
}
