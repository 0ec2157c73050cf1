import assert from "node:assert/strict";
import type { GatewayAnswer } from "../../clients/gateway.ts";
import { startTestApp } from "../../harness.ts";
import { readTables } from "../trips_tables.ts";

/** One operation of the contract with the answer it shows. */
interface Sample {
  operation: string;
  answer: Record<string, unknown>;
}

/** Every `**METHOD** <u>/path</u>` of the contract with the JSON under its 响应数据. */
function samplesOf(contract: string): Sample[] {
  const operations = contract.split(/^##### /m).slice(1);
  return operations.map((text) => {
    const [, method, path] = /\*\*(\w+)\*\*\s+<u>(.+)<\/u>/.exec(text)!;
    const [, json] = /\*\*响应数据\*\*\s+```json\n([\s\S]*?)```/.exec(text)!;
    const plainPath = path!.replaceAll(/\{(\w+):.*\}(?=\/|$)/g, "{$1}");
    return { operation: `${method} ${plainPath}`, answer: JSON.parse(json!) };
  });
}

/** Where our answer lacks a documented key, or has another JSON type there. */
function differences(sample: unknown, ours: unknown, place: string): string[] {
  if (typeOf(sample) !== typeOf(ours)) return [`${place}: ${typeOf(ours)}, not ${typeOf(sample)}`];
  if (Array.isArray(sample)) {
    const [first] = ours as unknown[];
    return first === undefined ? [`${place}: empty`] : differences(sample[0], first, `${place}[0]`);
  }
  if (typeof sample !== "object" || sample === null) return [];
  return Object.entries(sample).flatMap(([key, value]) =>
    differences(value, (ours as Record<string, unknown>)[key], `${place}.${key}`)
  );
}

function typeOf(value: unknown): string {
  return Array.isArray(value) ? "array" : value === null ? "null" : typeof value;
}

const contract = await Deno.readTextFile(new URL("../../contracts/gateway.md", import.meta.url));

Deno.test("every documented key is in our answer, with the type of the contract's sample", async (t) => {
  await using app = await startTestApp();
  const tables = (await readTables()).get("gateway")!;
  const samples = samplesOf(contract);
  assert.equal(samples.length, 45);
  for (const { operation, answer } of samples) {
    await t.step(operation, async () => {
      const call = tables[operation]?.call;
      assert.ok(call, "no call of this operation");
      const ours = await call(app) as GatewayAnswer;
      const { status, message, result } = ours;
      assert.deepEqual(differences(answer, { status, message, result }, "answer"), []);
      assert.equal(ours.status, answer.status);
      app.clock.advance(2_000);
    });
  }
});
