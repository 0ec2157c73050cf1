import type { z } from "zod";
import { parseJson } from "./input.ts";

/** What a schema takes in one place, as far as it says how to read what was sent. */
interface Wanted {
  /** Whatever it is: nothing is read. */
  anything: boolean;
  /** Any text; those of a choice are `choices`. */
  text: boolean;
  choices: Set<string>;
  number: boolean;
  boolean: boolean;
  null: boolean;
  /** Of a list. */
  items: Wanted | undefined;
  /** Of an object. */
  fields: Field[] | undefined;
}

interface Field {
  name: string;
  wanted: Wanted;
}

/** Where a value came from. */
export interface Origin {
  /** A query or a form, in which an empty value says nothing. */
  isText: boolean;
}

const NUMBER = /^-?\d{1,16}(?:\.\d{1,16})?$/;
const BOOLEANS = new Map<unknown, boolean>([
  ["true", true],
  ["1", true],
  [1, true],
  ["false", false],
  ["0", false],
  [0, false],
]);

/**
 * The same data in the types its schema wants: clients write forms, and JSON in which numbers are
 * text and what they have nothing to say of is null. Only what the schema would not take as it is
 * becomes something else, and what needs nothing is answered itself, uncopied:
 *
 * - null where there is none is absence, and so is an empty text of a query or form where a number,
 *   a choice or a list is wanted;
 * - digits are a number; `true`, `false`, `1` and `0` a boolean;
 * - a text that begins as JSON does is a list or an object.
 *
 * What cannot be read so stays, for the schema to refuse.
 */
export function asWanted(schema: z.ZodType, data: unknown, origin: Origin): unknown {
  const wanted = wantedBy(schema);
  // A text as the whole of a body names no parameters, so nobody has signed what may be in it.
  return typeof data === "string" ? data : readInside(data, wanted, origin);
}

/** Whether data names a parameter its schema knows. */
export function namesAny(schema: z.ZodType, data: unknown): boolean {
  const { fields } = wantedBy(schema);
  return fields?.some(({ name }) => Object.hasOwn(Object(data), name)) ?? false;
}

/** @returns undefined: absent */
function read(value: unknown, wanted: Wanted, origin: Origin): unknown {
  if (wanted.anything) return value;
  if (value === null) return wanted.null ? null : undefined;
  if (typeof value === "string") return readText(value, wanted, origin);
  if (wanted.boolean && !wanted.number) return BOOLEANS.get(value) ?? value;
  return readInside(value, wanted, origin);
}

function readText(text: string, wanted: Wanted, origin: Origin): unknown {
  if (wanted.text || wanted.choices.has(text)) return text;
  if (text === "") return origin.isText ? undefined : text;
  if (wanted.number && NUMBER.test(text)) {
    const number = Number(text);
    // Beyond it the digits would be others.
    return Math.abs(number) <= Number.MAX_SAFE_INTEGER ? number : text;
  }
  if (wanted.boolean && BOOLEANS.has(text)) return BOOLEANS.get(text);
  const isJson = wanted.items && text.startsWith("[") || wanted.fields && text.startsWith("{");
  return isJson ? readJson(text, wanted) : text;
}

function readJson(text: string, wanted: Wanted): unknown {
  let value: unknown;
  try {
    value = parseJson(text);
  } catch {
    return text;
  }
  return readInside(value, wanted, { isText: false });
}

/** Of a list its items, of an object its fields. */
function readInside(value: unknown, { items, fields }: Wanted, origin: Origin): unknown {
  if (typeof value !== "object" || value === null) return value;
  if (Array.isArray(value)) return items ? readItems(value, items, origin) : value;
  return fields ? readFields(value as Record<string, unknown>, fields, origin) : value;
}

/** An item that is nothing is no parameter that is absent: it stays what it was. */
function readItems(list: unknown[], wanted: Wanted, origin: Origin): unknown[] {
  let changed: unknown[] | undefined;
  for (const [at, item] of list.entries()) {
    const inside = read(item, wanted, origin) ?? item;
    if (inside === item) continue;
    changed ??= [...list];
    changed[at] = inside;
  }
  return changed ?? list;
}

function readFields(
  given: Record<string, unknown>,
  fields: Field[],
  origin: Origin,
): Record<string, unknown> {
  let changed: Record<string, unknown> | undefined;
  for (const { name, wanted } of fields) {
    const value = given[name];
    if (value === undefined || wanted.text && typeof value === "string") continue;
    const inside = read(value, wanted, origin);
    if (inside === value) continue;
    changed ??= { ...given };
    if (inside === undefined) delete changed[name];
    else changed[name] = inside;
  }
  return changed ?? given;
}

const known = new WeakMap<z.core.$ZodType, Wanted>();

/** Found once for each schema, at its first use: most of a surface's are not asked for. */
function wantedBy(schema: z.core.$ZodType): Wanted {
  const found = known.get(schema) ?? wantedOf(schema);
  known.set(schema, found);
  return found;
}

const wants = (some: Partial<Wanted> = {}): Wanted => ({
  anything: false,
  text: false,
  choices: new Set(),
  number: false,
  boolean: false,
  null: false,
  items: undefined,
  fields: undefined,
  ...some,
});

function wantedOf(schema: z.core.$ZodType): Wanted {
  const { def } = (schema as z.core.$ZodTypes)._zod;
  switch (def.type) {
    case "string":
    case "template_literal":
      return wants({ text: true });
    case "number":
      return wants({ number: true });
    case "boolean":
      return wants({ boolean: true });
    case "null":
      return wants({ null: true });
    case "literal":
      return choiceOf(def.values);
    case "enum":
      return choiceOf(Object.values(def.entries));
    case "array":
      return wants({ items: wantedBy(def.element) });
    case "record":
      return wants({ fields: [] });
    case "object":
      return wants({
        fields: Object.entries(def.shape).map(([name, inner]) => ({
          name,
          wanted: wantedBy(inner),
        })),
      });
    case "nullable":
      return either([wants({ null: true }), wantedBy(def.innerType)]);
    case "optional":
    case "default":
    case "prefault":
    case "catch":
    case "nonoptional":
    case "readonly":
      return wantedBy(def.innerType);
    case "union":
      return either(def.options.map(wantedBy));
    case "intersection":
      return either([wantedBy(def.left), wantedBy(def.right)]);
    case "pipe":
      return wantedBy(def.in);
    default:
      return wants({ anything: true });
  }
}

function choiceOf(values: readonly unknown[]): Wanted {
  return wants({
    choices: new Set(values.filter((value) => typeof value === "string")),
    number: values.some((value) => typeof value === "number"),
    boolean: values.some((value) => typeof value === "boolean"),
    null: values.includes(null),
  });
}

/** What one of them takes as it is is taken as it is. */
function either(options: Wanted[]): Wanted {
  const one = (kind: "anything" | "text" | "number" | "boolean" | "null") =>
    options.some((option) => option[kind]);
  const lists = options.flatMap(({ items }) => items ?? []);
  const objects = options.flatMap(({ fields }) => fields ?? []);
  const fields = Map.groupBy(objects, ({ name }) => name);
  return {
    anything: one("anything"),
    text: one("text"),
    choices: new Set(options.flatMap(({ choices }) => [...choices])),
    number: one("number"),
    boolean: one("boolean"),
    null: one("null"),
    items: lists.length > 0 ? either(lists) : undefined,
    fields: options.some((option) => option.fields)
      ? [...fields].map(([name, them]) => ({ name, wanted: either(them.map((it) => it.wanted)) }))
      : undefined,
  };
}
