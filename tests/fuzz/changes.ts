import fc from "fast-check";
import type { Operation, Schema } from "./documents.ts";
import { drawnFrom } from "./drawn.ts";
import { strange, strangeTexts } from "./strange.ts";

/** How the parameters of a body are written. */
export const ENCODINGS = [
  ...["form", "broken-form", "repeated", "cut", "garbage", "byte-order-mark", "utf-16", "latin-1"],
  ...["gbk", "other-charset", "no-type", "text", "xml", "multipart", "vendor-json", "gzip"],
  ...["nothing", "top-level-list", "top-level-null", "too-deep", "too-many", "too-large"],
] as const;
export type Encoding = typeof ENCODINGS[number];

/** One thing that is otherwise than in a valid call. */
export type Change =
  /** `undefined` leaves the parameter out. */
  | { at: "query" | "header"; name: string; value: string | undefined }
  | { at: "path"; name: string; value: string }
  /** Names from the outside in; none is the whole body. */
  | { at: "body"; path: string[]; value: unknown }
  /** A parameter once more, behind those that are there. */
  | { at: "again"; name: string; value: string }
  | { at: "encoding"; as: Encoding };

const FIELD_DEPTH_MAX = 3;

/** As they are in a path, escaped or not. */
const SEGMENTS = ["", ".", "..", "%", "%zz", "%ff", "%00", "%2F", "%2e%2e", "%ed%a0%80", ";", "*"];

const HEADERS = [
  ...["accept-language", "x-forwarded-for", "forwarded", "x-request-id", "client-type", "cookie"],
  ...["version-name", "version-code", "group-id", "group_id", "idempotency-key", "user-agent"],
  ...["accept", "content-length", "content-encoding", "range", "if-none-match", "expect", "origin"],
];
const CREDENTIALS = ["authorization", "token"];
const CREDENTIAL_TEXTS = [
  "",
  "Basic",
  "Basic ",
  "Basic !",
  "Bearer",
  "Bearer a.b.c",
  "0",
  "\u00ff",
];

/** How many changes of a valid call there are besides the one that has to be. */
const MORE_MAX = 3;

/** Changes of a valid call of an operation: of its own parameters nearly always. */
export function changesOf(operation: Operation): fc.Arbitrary<Change[]> {
  const { parameters = [], requestBody } = operation;
  const named = (place: "path" | "query") => parameters.filter((it) => it.in === place);
  const queries = named("query").filter(({ name }) => name !== "ts" && name !== "sign");
  const body = Object.values(requestBody?.content ?? {})[0]?.schema;
  const own: fc.WeightedArbitrary<Change>[] = [];
  if (body) {
    own.push({ weight: 9, arbitrary: bodiesFrom(body) }, { weight: 2, arbitrary: encodings });
  }
  if (queries.length > 0) own.push({ weight: 6, arbitrary: queriesFrom(queries) });
  if (named("path").length > 0) own.push({ weight: 3, arbitrary: pathsFrom(named("path")) });
  const any = fc.oneof(
    ...own,
    { weight: 1, arbitrary: headers },
    { weight: 1, arbitrary: credentials },
    { weight: 1, arbitrary: again(["a", "__proto__", ...queries.map((it) => it.name)]) },
  );
  const few = fc.array(any, { maxLength: MORE_MAX, size: "max" });
  if (own.length === 0) return few;
  return fc.oneof(
    { weight: 1, arbitrary: few },
    { weight: 9, arbitrary: fc.tuple(fc.oneof(...own), few).map(([one, more]) => [one, ...more]) },
  );
}

const encodings = fc.constantFrom(...ENCODINGS).map((as): Change => ({ at: "encoding", as }));

const headerTexts = strangeTexts.map((text) =>
  text.slice(0, 5_000).replaceAll(/[^\u0020-\u007e\u0080-\u00ff]/gu, "?").trim()
);
const headers = fc.tuple(fc.constantFrom(...HEADERS), headerTexts)
  .map(([name, value]): Change => ({ at: "header", name, value }));

const credentials = fc.tuple(
  fc.constantFrom(...CREDENTIALS),
  fc.option(fc.oneof(fc.constantFrom(...CREDENTIAL_TEXTS), headerTexts), { nil: undefined }),
).map(([name, value]): Change => ({ at: "header", name, value }));

const again = (names: string[]) =>
  fc.tuple(fc.constantFrom(...names), strangeTexts)
    .map(([name, value]): Change => ({ at: "again", name, value }));

/** A value for a place in the documents: allowed there, strange, or missing. */
const valuesFor = (schema: Schema): fc.Arbitrary<unknown> =>
  fc.oneof(
    { weight: 3, arbitrary: drawnFrom(schema) },
    { weight: 7, arbitrary: strange },
    { weight: 1, arbitrary: fc.constant(undefined) },
  );

const asText = (value: unknown) =>
  typeof value === "string" || value === undefined ? value : JSON.stringify(value);

function queriesFrom(queries: { name: string; schema: Schema }[]): fc.Arbitrary<Change> {
  return fc.oneof(
    ...queries.map(({ name, schema }) =>
      valuesFor(schema).map((value): Change => ({ at: "query", name, value: asText(value) }))
    ),
  );
}

function pathsFrom(parameters: { name: string; schema: Schema }[]): fc.Arbitrary<Change> {
  return fc.oneof(...parameters.map(({ name, schema }) =>
    fc.oneof(
      fc.constantFrom(...SEGMENTS),
      fc.oneof(drawnFrom(schema), strange).map((value) =>
        encodeURIComponent(asText(value)!.toWellFormed().slice(0, 10_000))
      ),
    ).map((value): Change => ({ at: "path", name, value }))
  ));
}

function bodiesFrom(schema: Schema): fc.Arbitrary<Change> {
  const fields = fieldsOf(schema, []).map(({ path, schema }) =>
    valuesFor(schema).map((value): Change => ({ at: "body", path, value }))
  );
  const whole = drawnFrom(schema).map((value): Change => ({ at: "body", path: [], value }));
  const unknown = fc.tuple(fc.constantFrom("a", "__proto__", "constructor", "ts", "sign"), strange)
    .map(([name, value]): Change => ({ at: "body", path: [name], value }));
  return fc.oneof({ weight: 1, arbitrary: unknown }, { weight: 2, arbitrary: whole }, {
    weight: 8,
    arbitrary: fc.oneof(unknown, ...fields),
  });
}

/** Every place in a body that has a name, and first items of lists. */
export function fieldsOf(schema: Schema, path: string[]): { path: string[]; schema: Schema }[] {
  if (path.length === FIELD_DEPTH_MAX) return [];
  const inner = Object.entries(schema.properties ?? {});
  if (schema.items) inner.push(["0", schema.items]);
  return [
    ...inner.flatMap(([name, schema]) => [
      { path: [...path, name], schema },
      ...fieldsOf(schema, [...path, name]),
    ]),
    ...(schema.anyOf ?? []).flatMap((option) => fieldsOf(option, path)),
  ];
}
