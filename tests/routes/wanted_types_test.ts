import assert from "node:assert/strict";
import fc from "fast-check";
import { z } from "zod";
import { DomainError } from "../../db/domain/errors.ts";
import { asWanted } from "../../routes/as_wanted.ts";
import type { Endpoint } from "../../routes/endpoint.ts";
import { loadSurface, surfaceNames } from "../../routes/surfaces.ts";
import type { Schema } from "../fuzz/documents.ts";
import { drawnFrom } from "../fuzz/drawn.ts";
import { startTestApp } from "../harness.ts";
import { type Captured, jsonOf } from "../rights/captured.ts";
import { replay } from "../rights/replay.ts";
import { readTables } from "./trips_tables.ts";

type Fields = Record<string, unknown>;

const SEED = 7;
const FORM = { isText: true };
const JSON_BODY = { isText: false };

/** What becomes of data: its parsed form, or that it was refused. */
function outcome(schema: z.ZodType, data: unknown, origin = JSON_BODY): unknown {
  try {
    const { success, data: parsed } = schema.safeParse(asWanted(schema, data, origin));
    return success ? { parsed } : "refused";
  } catch (error) {
    if (error instanceof DomainError) return "refused";
    throw error;
  }
}

/** Its parameters as they are documented, of all forms it may have. */
function documentedFields(schema: z.ZodType): Map<string, Schema> {
  const all = (it: Schema): [string, Schema][] => [
    ...Object.entries(it.properties ?? {}),
    ...(it.anyOf ?? []).flatMap(all),
  ];
  return new Map(all(z.toJSONSchema(schema, { io: "input", unrepresentable: "any" }) as Schema));
}

const kinds = ({ type, anyOf = [], const: only, enum: some = [] }: Schema): Set<string> =>
  new Set([
    ...[type ?? []].flat(),
    ...anyOf.flatMap((option) => [...kinds(option)]),
    ...only === undefined ? [] : [typeof only],
    ...some.map((value) => value === null ? "null" : typeof value),
  ]);

const asText = (value: unknown) => typeof value === "string" ? value : JSON.stringify(value);

const asForm = (fields: Fields) =>
  Object.fromEntries(
    Object.entries(fields).filter(([, value]) => value !== null && value !== undefined)
      .map(([name, value]) => [name, asText(value)]),
  );

function without(fields: Fields, name: string): Fields {
  const { [name]: _, ...rest } = fields;
  return rest;
}

const wantsText = (schema: Schema) => {
  const are = kinds(schema);
  return are.has("string") && !schema.enum && schema.const === undefined &&
      !(schema.anyOf ?? []).some((option) => option.enum) || are.size === 0;
};

function checkFields(schema: z.ZodType, sample: Fields, where: string): void {
  const whole = outcome(schema, sample);
  assert.notEqual(whole, "refused", `${where}: the sample`);
  assert.deepEqual(outcome(schema, asForm(sample), FORM), whole, `${where} as a form`);
  for (const [name, documented] of documentedFields(schema)) {
    const at = `${where} ${name}`;
    const rest = without(sample, name);
    const absent = outcome(schema, rest);
    const isAnything = kinds(documented).size === 0;
    if (!isAnything && !kinds(documented).has("null")) {
      assert.deepEqual(outcome(schema, { ...rest, [name]: null }), absent, `${at}: null`);
    }
    if (!wantsText(documented)) {
      assert.deepEqual(outcome(schema, { ...rest, [name]: "" }, FORM), absent, `${at}: empty`);
    }
    for (const value of fc.sample(drawnFrom(documented), { numRuns: 5, seed: SEED })) {
      if (value === null) continue;
      const typed = outcome(schema, { ...rest, [name]: value });
      assert.deepEqual(
        outcome(schema, { ...rest, [name]: asText(value) }),
        typed,
        `${at}: ${JSON.stringify(value)} as text`,
      );
    }
  }
}

/** What a valid call brings to a schema. */
function sampleOf({ url, ...call }: Captured, surface: string) {
  const isJson = call.headers.get("content-type")?.startsWith("application/json");
  const body = isJson ? jsonOf({ url, ...call }) : {};
  const query = Object.fromEntries(url.searchParams);
  if (surface !== "gateway") return { query, body };
  const { ts: _ts, sign: _sign, ...params } = { ...query, ...body };
  return { query: params, body: params };
}

for (const name of surfaceNames) {
  Deno.test(`every parameter of ${name} is taken as null, as text and in a form`, async (t) => {
    await using app = await startTestApp();
    const surface = await loadSurface(name);
    const table = (await readTables()).get(name)!;
    const endpoints = new Map<string, Endpoint>(
      surface.endpoints.map((it) => [`${it.method.toUpperCase()} ${it.path}`, it]),
    );
    for (const [operation, { call }] of Object.entries(table)) {
      const { query, body, takesFile } = endpoints.get(operation)!;
      if (!query && (!body || takesFile)) continue;
      await t.step(operation, async () => {
        let sample: ReturnType<typeof sampleOf> | undefined;
        await replay(app, { surface, operation, call }, (captured) => {
          sample = sampleOf(captured, name);
          return Promise.resolve();
        });
        if (query) checkFields(query, sample!.query, "query");
        if (body && !takesFile && !Array.isArray(sample!.body)) {
          checkFields(body, sample!.body, "body");
        }
      });
    }
  });
}

Deno.test("what a schema takes as it is stays what it was, the very object", () => {
  const schema = z.object({
    name: z.string(),
    count: z.number().optional(),
    type: z.literal([0, 1]).nullable(),
    on: z.boolean().default(false),
    list: z.array(z.object({ id: z.number(), note: z.string().optional() })).optional(),
    any: z.unknown(),
  });
  for (
    const fits of [
      { name: "1", count: 1, type: 0, on: true, list: [{ id: 1, note: "[" }], any: null },
      { name: "[]", type: null, unknown: null, any: "7" },
      { name: 5, count: "x", type: "x", on: 2, list: "x" },
      undefined,
      null,
      [],
      "{}",
    ]
  ) {
    assert.equal(asWanted(schema, fits, JSON_BODY), fits);
  }
});

Deno.test("values are read by the types that are wanted, and no others", () => {
  const schema = z.object({
    count: z.number().int().optional(),
    type: z.literal([0, 1]).optional(),
    kind: z.enum(["a", "b"]).optional(),
    either: z.union([z.number(), z.literal("all")]).optional(),
    text: z.string().optional(),
    on: z.boolean().optional(),
    list: z.array(z.object({ id: z.number(), note: z.string().optional() })).optional(),
    of: z.object({ id: z.number() }).optional(),
    map: z.record(z.string(), z.unknown()).optional(),
  });
  const read = (data: unknown, origin = JSON_BODY) => asWanted(schema, data, origin);
  assert.deepEqual(read({ count: "18", type: "1", text: "18", either: "7" }), {
    count: 18,
    type: 1,
    text: "18",
    either: 7,
  });
  assert.deepEqual(read({ count: "-1.5", either: "all", kind: "a" }), {
    count: -1.5,
    either: "all",
    kind: "a",
  });
  for (const text of ["", " 1", "+1", "1e3", "0x10", "９", "9007199254740993", "1,2", "Infinity"]) {
    assert.deepEqual(read({ count: text }), { count: text });
  }
  for (const on of [true, "true", "1", 1]) assert.deepEqual(read({ on }), { on: true });
  for (const on of [false, "false", "0", 0]) assert.deepEqual(read({ on }), { on: false });
  for (const on of ["yes", "True", 2, [], {}]) assert.deepEqual(read({ on }), { on });
  assert.deepEqual(
    read({ list: '[{"id":"1","note":null},{"id":2}]', of: '{"id":"3"}', map: '{"a":null}' }),
    { list: [{ id: 1 }, { id: 2 }], of: { id: 3 }, map: { a: null } },
  );
  const unread = { list: "[1", of: '{"id":"\\u0000"}', map: "[".repeat(40) + "]".repeat(40) };
  assert.deepEqual(read(unread), unread);
  assert.deepEqual(read({ list: [null, "x"], count: null, unknown: null }), {
    list: [null, "x"],
    unknown: null,
  });
  const empty = { count: "", type: "", kind: "", either: "", on: "", list: "", of: "", text: "" };
  assert.deepEqual(read(empty, FORM), { text: "" });
  assert.equal(read(empty), empty);
});
