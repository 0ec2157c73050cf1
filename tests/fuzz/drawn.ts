import fc from "fast-check";
import type { Schema } from "./documents.ts";

const LENGTH_MAX = 40;
const ITEMS_MAX = 3;

/** Values a schema allows. */
export function drawnFrom(schema: Schema): fc.Arbitrary<unknown> {
  if (schema.const !== undefined) return fc.constant(schema.const);
  if (schema.enum) return fc.constantFrom(...schema.enum);
  if (schema.anyOf) return fc.oneof(...schema.anyOf.map(drawnFrom));
  const types = [schema.type ?? "string"].flat();
  return fc.oneof(...types.map((type) => drawnAs(type, schema)));
}

function drawnAs(type: string, schema: Schema): fc.Arbitrary<unknown> {
  switch (type) {
    case "null":
      return fc.constant(null);
    case "boolean":
      return fc.boolean();
    case "integer":
    case "number":
      return numbers(schema);
    case "array":
      return fc.array(drawnFrom(schema.items ?? {}), {
        minLength: schema.minItems ?? 0,
        maxLength: Math.max(
          schema.minItems ?? 0,
          Math.min(schema.maxItems ?? ITEMS_MAX, ITEMS_MAX),
        ),
      });
    case "object":
      return objects(schema);
    default:
      return texts(schema);
  }
}

function numbers({ type, minimum, exclusiveMinimum, maximum }: Schema): fc.Arbitrary<number> {
  const min = minimum ?? exclusiveMinimum ?? -(2 ** 31);
  const max = maximum ?? 2 ** 31;
  const whole = fc.integer({
    min: Math.max(Math.ceil(min), Number.MIN_SAFE_INTEGER),
    max: Math.min(Math.floor(max), Number.MAX_SAFE_INTEGER),
  });
  const isWhole = [type].flat().includes("integer");
  return isWhole
    ? fc.oneof(whole, fc.constantFrom(min, max))
    : fc.oneof(whole, fc.double({ min, max, noNaN: true }), fc.constantFrom(min, max));
}

function objects({ properties = {}, required = [] }: Schema): fc.Arbitrary<unknown> {
  const shape = Object.entries(properties).map(([name, inner]) =>
    [name, drawnFrom(inner)] as const
  );
  return fc.record<Record<string, unknown>>(Object.fromEntries(shape), { requiredKeys: required });
}

function texts({ format, pattern, minLength = 0, maxLength }: Schema): fc.Arbitrary<string> {
  if (format === "uuid") return fc.uuid();
  if (format === "uri") return fc.webUrl();
  if (format === "ipv4") return fc.ipV4();
  if (format === "ipv6") return fc.ipV6();
  if (format === "date-time") return fc.date({ noInvalidDate: true }).map((it) => it.toISOString());
  if (pattern) return fc.stringMatching(new RegExp(pattern));
  return fc.oneof(
    fc.string({
      minLength,
      maxLength: Math.min(maxLength ?? LENGTH_MAX, LENGTH_MAX),
      unit: "binary",
    }),
    fc.integer({ min: 0 }).map((number) => `${number}`),
    ...maxLength === undefined ? [] : [fc.constant("长".repeat(maxLength))],
  );
}
