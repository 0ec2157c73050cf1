import assert from "node:assert/strict";
import type { GatewayAnswer } from "../../clients/gateway.ts";
import { startTestApp } from "../../harness.ts";
import { readTables } from "../trips_tables.ts";

/** What a result has: a JSON type by name, an object's keys, or a list of one kind of item. */
type Documented = string | { [key: string]: Documented } | [Documented];

/** Where our answer lacks a documented key, or has another JSON type there. */
function differences(documented: Documented, ours: unknown, place: string): string[] {
  const type = typeof documented === "string" ? documented : typeOf(documented);
  if (type !== typeOf(ours)) return [`${place}: ${typeOf(ours)}, not ${type}`];
  if (typeof documented === "string") return [];
  if (Array.isArray(documented)) {
    const [first] = ours as unknown[];
    return first === undefined
      ? [`${place}: empty`]
      : differences(documented[0], first, `${place}[0]`);
  }
  return Object.entries(documented).flatMap(([key, inner]) =>
    differences(inner, (ours as Record<string, unknown>)[key], `${place}.${key}`)
  );
}

function typeOf(value: unknown): string {
  return Array.isArray(value) ? "array" : value === null ? "null" : typeof value;
}

/** Every operation of the contract with the `result` its sample shows. */
const results: Record<string, Documented> = JSON.parse(
  await Deno.readTextFile(new URL("../../contracts/gateway_keys.json", import.meta.url)),
);

Deno.test("every documented key is in our answer, with the type of the contract's sample", async (t) => {
  await using app = await startTestApp();
  const tables = (await readTables()).get("gateway")!;
  assert.equal(Object.keys(results).length, 45);
  for (const [operation, result] of Object.entries(results)) {
    await t.step(operation, async () => {
      const call = tables[operation]?.call;
      assert.ok(call, "no call of this operation");
      const ours = await call(app) as GatewayAnswer;
      assert.equal(ours.status, 1);
      assert.equal(typeof ours.message, "string");
      assert.deepEqual(differences(result, ours.result, "result"), []);
      app.clock.advance(2_000);
    });
  }
});
