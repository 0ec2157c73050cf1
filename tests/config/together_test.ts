import assert from "node:assert/strict";
import { Together } from "../../config/runtime/together.ts";

interface Ask {
  who: string;
  what?: string;
}

class OwnError extends Error {}

/** Does what it is asked for when told to, and notes what was done in one go. */
function makePlace(countMax = 10) {
  const goes: string[][] = [];
  const open: (() => void)[] = [];
  const together = new Together<Ask, string>({
    countMax,
    nameOf: ({ who }) => who,
    isOnesOwn: (error) => error instanceof OwnError,
  });
  const ask = (thing: string, input: Ask) =>
    together.take(thing, input, async (inputs) => {
      goes.push(inputs.map(({ who }) => who));
      const { promise, resolve } = Promise.withResolvers<void>();
      open.push(resolve);
      await promise;
      if (inputs.some(({ what }) => what === "own")) throw new OwnError("own");
      if (inputs.some(({ what }) => what === "all")) throw new Error("all");
      return inputs.map(({ who }) => `${who} has it`);
    });
  /** Ends goes, and those that begin thereby, until none is left. */
  const endAll = async () => {
    while (open.length > 0) {
      open.shift()!();
      await new Promise((resolve) => setTimeout(resolve));
    }
  };
  return { goes, ask, endAll };
}

Deno.test("whoever comes alone is served at once, and those who come meanwhile in the next go", async () => {
  const { goes, ask, endAll } = makePlace();
  const answers = Promise.all(["a", "b", "c"].map((who) => ask("packet", { who })));
  assert.deepEqual(goes, [["a"]]);
  await endAll();
  assert.deepEqual(await answers, ["a has it", "b has it", "c has it"]);
  const late = ask("packet", { who: "d" });
  await endAll();
  assert.equal(await late, "d has it");
  assert.deepEqual(goes, [["a"], ["b", "c"], ["d"]]);
});

Deno.test("different things wait for nothing", () => {
  const { goes, ask } = makePlace();
  ask("packet", { who: "a" });
  ask("other packet", { who: "b" });
  assert.deepEqual(goes, [["a"], ["b"]]);
});

Deno.test("a go has so many at most, and nobody twice; all are served in the end", async () => {
  const { goes, ask, endAll } = makePlace(2);
  const asked = ["a", "b", "b", "c", "d"].map((who) => ask("packet", { who }));
  await endAll();
  assert.deepEqual((await Promise.all(asked)).length, 5);
  assert.deepEqual(goes, [["a"], ["b", "c"], ["b", "d"]]);
});

Deno.test("what fails by one of several is done for each alone, and fails for that one", async () => {
  const { goes, ask, endAll } = makePlace();
  const asked = Promise.allSettled([
    ask("packet", { who: "a" }),
    ask("packet", { who: "b", what: "own" }),
    ask("packet", { who: "c" }),
  ]);
  await endAll();
  assert.deepEqual((await asked).map(({ status }) => status), [
    "fulfilled",
    "rejected",
    "fulfilled",
  ]);
  assert.deepEqual(goes, [["a"], ["b", "c"], ["b"], ["c"]]);
});

Deno.test("what fails otherwise fails for all of the go, and the next begins all the same", async () => {
  const { goes, ask, endAll } = makePlace(2);
  const asked = Promise.allSettled([
    ask("packet", { who: "a" }),
    ask("packet", { who: "b", what: "all" }),
    ask("packet", { who: "c" }),
    ask("packet", { who: "d" }),
  ]);
  await endAll();
  assert.deepEqual((await asked).map(({ status }) => status), [
    "fulfilled",
    "rejected",
    "rejected",
    "fulfilled",
  ]);
  assert.deepEqual(goes, [["a"], ["b", "c"], ["d"]]);
});
