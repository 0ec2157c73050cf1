import assert from "node:assert/strict";
import { loadSurface, type SurfaceName, surfaceNames } from "../../routes/surfaces.ts";
import { startTestApp, type TestApp } from "../harness.ts";
import { readTables } from "../routes/trips_tables.ts";
import type { Callers } from "./captured.ts";
import { gatewayCallers } from "./gateway_callers.ts";
import { imCallers } from "./im_callers.ts";
import { type Place, refuseOthers, serve } from "./matrix.ts";
import { operatorCallers } from "./operator_callers.ts";
import { makeOthers, type Others } from "./others.ts";
import { partnerCallers } from "./partner_callers.ts";
import { readTable } from "./read_table.ts";
import { readDocumented } from "./refusals.ts";
import { replay } from "./replay.ts";
import { watchTraces } from "./traces.ts";

const CALLERS: Record<SurfaceName, (app: TestApp, others: Others) => Promise<Callers>> = {
  gateway: gatewayCallers,
  im: imCallers,
  partner: partnerCallers,
  admin: operatorCallers,
  ops: operatorCallers,
};

const rows = readTable();
const calls = await readTables();

/** Lines of an inventory, without its header. */
function readInventory(name: string): string[][] {
  const text = Deno.readTextFileSync(new URL(`../${name}`, import.meta.url));
  return text.trimEnd().split("\n").slice(1).map((line) => line.split("\t"));
}

Deno.test("the table of rights names every operation there is, once", async () => {
  const inventories = [...readInventory("inventory.tsv"), ...readInventory("inventory_ours.tsv")]
    .map((cells) => cells.slice(0, 3).join(" "));
  const mounted = await Promise.all(
    surfaceNames.map(async (name) =>
      (await loadSurface(name)).endpoints.map(({ method, path }) =>
        `${name} ${method.toUpperCase()} ${path}`
      )
    ),
  );
  const named = rows.map(({ surface, operation }) => `${surface} ${operation}`).sort();
  assert.deepEqual(named, inventories.sort());
  assert.deepEqual(named, mounted.flat().sort());
});

Deno.test("nobody is served without credentials but where the contracts say so", () => {
  const contracts = readInventory("inventory.tsv");
  for (const [surface, method, path, auth] of contracts) {
    const row = rows.find((row) =>
      row.surface === surface && row.operation === `${method} ${path}`
    )!;
    const isOpen = row.succeeds.some((name) => name === "everybody" || name === "nobody");
    assert.equal(isOpen, auth!.startsWith("none"), `${surface} ${row.operation}`);
  }
});

for (const name of surfaceNames) {
  Deno.test(`every operation of ${name} serves whom it must, and nobody else`, async (t) => {
    await using app = await startTestApp();
    const surface = await loadSurface(name);
    const place: Place = {
      name,
      app,
      callers: await CALLERS[name](app, await makeOthers(app)),
      traces: await watchTraces(app),
      documented: await readDocumented(name),
    };
    // In the table's order: an operation that ends its caller's credentials stands last.
    for (const row of rows.filter((row) => row.surface === name)) {
      await t.step(row.operation, async () => {
        const { call } = calls.get(name)![row.operation]!;
        const way = { surface, operation: row.operation, call };
        const faults: string[] = [];
        await replay(app, way, async (captured) => {
          faults.push(...await refuseOthers(place, row, captured));
        });
        for (const caller of row.succeeds.filter((caller) => caller !== "everybody")) {
          await replay(app, way, async (captured) => {
            faults.push(...await serve(place, captured, caller));
          });
        }
        assert.deepEqual(faults, []);
      });
    }
  });
}
