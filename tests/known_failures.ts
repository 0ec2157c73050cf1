import assert, { AssertionError } from "node:assert/strict";

/**
 * Cases of a file, some of which are known to fail. Those are run as well and must go on failing, so
 * that the list can only shrink: a listed case that holds fails the test until it is struck off.
 */
export class Cases {
  readonly #known: Set<string>;
  readonly #sometimes: Set<string>;
  readonly #run = new Set<string>();

  /** @param sometimes cases of luck that fail now and then; who mends them strikes them off */
  constructor(known: readonly string[], sometimes: readonly string[] = []) {
    this.#known = new Set(known);
    this.#sometimes = new Set(sometimes);
    assert.equal(this.#known.size, known.length, "a case is listed twice");
  }

  /** Runs a case as a step. Only assertions count as failing: anything else is the test's fault. */
  async step(t: Deno.TestContext, name: string, check: () => Promise<void> | void): Promise<void> {
    assert.ok(!this.#run.has(name), `two cases are called ${name}`);
    this.#run.add(name);
    const sometimes = this.#sometimes.has(name);
    if (!sometimes && !this.#known.has(name)) {
      await t.step(name, async () => await check());
      return;
    }
    await t.step(`${name} (known to fail${sometimes ? " sometimes" : ""})`, async () => {
      try {
        await check();
      } catch (error) {
        if (error instanceof AssertionError) return;
        throw error;
      }
      if (sometimes) return;
      assert.fail(`this holds now: strike it off the known failures: ${name}`);
    });
  }

  /** To be called when every case has run. */
  assertListed(): void {
    const unknown = [...this.#known, ...this.#sometimes].filter((name) => !this.#run.has(name));
    assert.deepEqual(unknown, [], "known failures that are no case");
  }
}
