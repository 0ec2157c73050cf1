import assert from "node:assert/strict";
import { FairLine, type Party } from "../../config/runtime/fair_line.ts";
import { TurnRefusedError, Turns } from "../../config/runtime/turns.ts";

const LIMITS = { partyMax: 10, siteMax: 20, waitingMax: 100 };
const stranger = (name: string, site?: string): Party => ({ name, site, isFirst: false });
const known = (name: string): Party => ({ name, isFirst: true });

/** A line behind one place that is taken; who is served when it gets free, in order. */
function makeQueue() {
  const turns = new Turns<Party>(1, { line: new FairLine(LIMITS) });
  const gate = Promise.withResolvers<void>();
  const all: Promise<unknown>[] = [turns.take(() => gate.promise, stranger("gate"))];
  const served: string[] = [];
  const refused: string[] = [];
  const come = (party: Party, label = party.name) =>
    void all.push(
      turns.take(() => Promise.resolve(void served.push(label)), party).catch((error) => {
        assert.ok(error instanceof TurnRefusedError);
        refused.push(label);
      }),
    );
  const run = async () => {
    gate.resolve();
    await Promise.all(all);
    return { served, refused };
  };
  return { come, run };
}

Deno.test("parties go round, whoever came first of each", async () => {
  const { come, run } = makeQueue();
  for (let at = 1; at <= 5; at++) come(stranger("a"), `a${at}`);
  come(stranger("b"), "b1");
  come(stranger("c"), "c1");
  come(stranger("b"), "b2");
  assert.deepEqual((await run()).served, ["a1", "b1", "c1", "a2", "b2", "a3", "a4", "a5"]);
});

Deno.test("ten of one party wait, twenty of one site", async () => {
  const { come, run } = makeQueue();
  for (let at = 1; at <= 50; at++) come(stranger("a"), `a${at}`);
  for (let at = 1; at <= 30; at++) come(stranger(`home ${at % 3}`, "site"), "site");
  const { served, refused } = await run();
  assert.equal(served.filter((label) => label.startsWith("a")).length, 10);
  assert.equal(served.filter((label) => label === "site").length, 20);
  assert.equal(refused.length, 50);
});

Deno.test("who is logged in comes before strangers, and leaves them every fourth turn", async () => {
  const { come, run } = makeQueue();
  for (const name of ["a", "b", "c"]) come(stranger(name));
  for (let at = 1; at <= 5; at++) come(known("me"), `me${at}`);
  assert.deepEqual((await run()).served, ["me1", "me2", "me3", "a", "me4", "me5", "b", "c"]);
});

Deno.test("when a hundred wait the newest of the party with most is refused, nobody logged in", async () => {
  const { come, run } = makeQueue();
  for (let at = 1; at <= 10; at++) come(stranger("many"), `many${at}`);
  for (let at = 1; at <= 90; at++) come(stranger(`n${at}`));
  come(stranger("late"));
  for (let at = 1; at <= 2; at++) come(known(`p${at}`));
  const { served, refused } = await run();
  assert.deepEqual(refused, ["many10", "many9", "many8"]);
  assert.ok(served.includes("late"));
  assert.equal(served.filter((label) => label.startsWith("p")).length, 2);
});

Deno.test("when only people who are logged in wait, the stranger who comes is refused", async () => {
  const { come, run } = makeQueue();
  for (let at = 1; at <= 120; at++) come(known(`p${at}`));
  come(stranger("late"));
  assert.deepEqual((await run()).refused, ["late"]);
});
