import assert from "node:assert/strict";
import { lazy, loadRest } from "../../config/runtime/lazy.ts";

Deno.test("what nobody has asked for is loaded in its turn, also what is declared on the way", async () => {
  const loaded: string[] = [];
  const load = (name: string, then?: () => void) => () => {
    loaded.push(name);
    then?.();
    return Promise.resolve({ name });
  };
  const first = lazy(load("first", () => lazy(load("inner"))));
  lazy(load("second"));

  assert.deepEqual(loaded, []);
  assert.deepEqual(await first(), { name: "first" });
  await loadRest();
  assert.deepEqual([...new Set(loaded)], ["first", "second", "inner"]);

  loaded.length = 0;
  await loadRest();
  assert.deepEqual(loaded, []);
});

Deno.test("what cannot be loaded is told of, and asked for again", async () => {
  let count = 0;
  lazy(() => {
    count++;
    return count === 1 ? Promise.reject(new Error("no descriptor")) : Promise.resolve();
  });
  await assert.rejects(loadRest(), /no descriptor/);
  await loadRest();
  assert.equal(count, 2);
});
