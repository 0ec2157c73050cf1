import assert from "node:assert/strict";
import type { CrashOrder } from "../money_model/crash_child.ts";
import { answerOf, CrashPlace, type Holdings, type Trial } from "../money_model/crash_place.ts";
import { type Flow, flows } from "../money_model/flows.ts";
import { openStepped, type Statement } from "../money_model/stepped_database.ts";
import { startPostgres } from "../services/postgres.ts";
import { sized } from "../size.ts";

// On a real server: PGlite has no backends to be terminated, and no other process to die.
const postgres = await startPostgres();
Deno.test.afterAll(async () => await postgres?.[Symbol.asyncDispose]());
const ignore = !postgres;

class CrashError extends Error {}

/** How a statement can be the last of its process or connection. */
type Crash = (statement: Statement, place: CrashPlace) => Promise<unknown>;
const CRASHES: Record<string, Crash> = {
  "an error before": () => Promise.reject(new CrashError()),
  "an error after": async ({ send }) => {
    await send();
    throw new CrashError();
  },
  "no backend before": async ({ send, backendPid }, place) => {
    await place.terminate(backendPid);
    return await send();
  },
  // It has come in time or not: both may be.
  "no backend meanwhile": async ({ send, backendPid }, place) => {
    const [sent] = await Promise.allSettled([send(), place.terminate(backendPid)]);
    if (sent.status === "rejected") throw sent.reason;
    return sent.value;
  },
};

/** What an undisturbed run issues and comes to. */
interface Course {
  statementCount: number;
  changes: Holdings;
  answer: unknown;
}

async function followCourse(place: CrashPlace): Promise<Course> {
  let statementCount = 0;
  const database = openStepped(place.url, ({ send }) => {
    statementCount++;
    return send();
  });
  try {
    const trial = await place.prepare();
    const answer = await answerOf(place.run(database, trial));
    if (place.flow.answersWith) assert.equal(answer, `refused: ${place.flow.answersWith}`);
    else assert.doesNotMatch(String(answer), /^refused/);
    return { statementCount, changes: await place.changes(trial), answer };
  } finally {
    await database.close();
  }
}

/** After a crash nothing has happened or all of it; after the same call again, all of it, once. */
async function assertOnce(
  place: CrashPlace,
  trial: Trial,
  course: Course,
): Promise<{ wasDone: boolean }> {
  const { flow } = place;
  const left = await place.changes(trial);
  // A try at a password counts before it is compared, so that a crash is worth no free guess.
  const { "password tries": _tries, ...money } = left;
  const isDone = Object.keys(money).length > 0;
  if (isDone) assert.deepEqual(left, course.changes, "all of it");
  const answer = await answerOf(place.retry(trial));
  const refusal = flow.answersWith ?? (isDone ? flow.doneAs : undefined);
  if (refusal) assert.equal(answer, `refused: ${refusal}`);
  else assert.equal(typeof answer, typeof course.answer, `answered ${answer}`);
  assert.doesNotMatch(refusal ? "" : String(answer), /^refused/);
  const times = isDone && flow.isKeyless ? 2 : 1;
  const expected = Object.entries(course.changes).map(([name, change]) => [name, change * times]);
  assert.deepEqual(await place.changes(trial), Object.fromEntries(expected), "once");
  return { wasDone: isDone };
}

/** Crashes of this process' own handle at every statement, in every way. */
async function crashHere(place: CrashPlace, course: Course): Promise<number> {
  let count = 0;
  for (let at = 1; at <= course.statementCount; at++) {
    for (const [how, crash] of Object.entries(CRASHES)) {
      const trial = await place.prepare();
      let isReached = false;
      const database = openStepped(place.url, (statement) => {
        if (statement.at !== at) return statement.send();
        isReached = true;
        return crash(statement, place);
      });
      try {
        await place.run(database, trial).catch(() => {});
        await assertOnce(place, trial, course);
        assert.ok(isReached);
      } catch (cause) {
        throw new Error(`${place.flow.name}, ${how} statement ${at}`, { cause });
      } finally {
        await database.close();
      }
      count++;
    }
  }
  return count;
}

const PERMISSIONS = ["net", "env", "sys", "read", "run"].map((name) => `--allow-${name}`);
const CHILD = new URL("../money_model/crash_child.ts", import.meta.url).pathname;
/** How many processes are started ahead, for that takes far longer than what they are for. */
const CHILD_COUNT = 2;
/** A process is killed at one in so many statements; all ways but this are tried at each. */
const KILL_STEP = sized({ suite: 4, full: 1 });

/** Processes that wait to be told what to die of. */
class Children implements AsyncDisposable {
  readonly #waiting = Array.from({ length: CHILD_COUNT }, () => this.#start());

  #start(): Deno.ChildProcess {
    return new Deno.Command(Deno.execPath(), {
      args: ["run", "--no-prompt", "--no-check", ...PERMISSIONS, CHILD],
      stdin: "piped",
      stdout: "null",
      stderr: "piped",
      env: { NO_COLOR: "1" },
    }).spawn();
  }

  async kill(order: CrashOrder): Promise<void> {
    const child = this.#waiting.shift()!;
    this.#waiting.push(this.#start());
    const writer = child.stdin.getWriter();
    await writer.write(new TextEncoder().encode(`${JSON.stringify(order)}\n`));
    const { signal, stderr } = await child.output();
    assert.equal(signal, "SIGKILL", new TextDecoder().decode(stderr));
    await writer.close().catch(() => {});
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const child of this.#waiting) {
      child.kill("SIGKILL");
      await child.stdin.close();
      await child.output();
    }
  }
}

/** Processes that die before a statement, and after the last of them. */
async function crashThere(
  place: CrashPlace,
  course: Course,
  children: Children,
): Promise<number> {
  const places = Array.from({ length: course.statementCount }, (_, at) => at + 1)
    // Flows begin alike: each is killed at other statements than the one before.
    .filter((at) => (at + counts.there) % KILL_STEP === 0);
  for (const killAt of [...places, null]) {
    const trial = await place.prepare();
    const { url: databaseUrl, flow: { name: flow } } = place;
    try {
      await children.kill({ databaseUrl, flow, ...trial, killAt });
      const { wasDone } = await assertOnce(place, trial, course);
      if (killAt === null) assert.ok(wasDone, "what was answered stays");
    } catch (cause) {
      throw new Error(`${flow}, killed before statement ${killAt ?? "none"}`, { cause });
    }
  }
  return places.length + 1;
}

const counts = { statements: 0, here: 0, there: 0 };

async function crashEverywhere(flow: Flow, children: Children): Promise<void> {
  await using here = await CrashPlace.open(postgres!, flow);
  await using there = await CrashPlace.open(postgres!, flow);
  const course = await followCourse(here);
  assert.ok(course.statementCount > 0);
  const isMoved = Object.keys(course.changes).length > 0;
  assert.ok(isMoved || flow.answersWith, "undisturbed, it moves something");
  const [countHere, countThere] = await Promise.all([
    crashHere(here, course),
    followCourse(there).then((own) => crashThere(there, own, children)),
  ]);
  counts.statements += course.statementCount;
  counts.here += countHere;
  counts.there += countThere;
}

Deno.test({
  name: "whatever ends at any statement of any flow, the money has moved wholly or not at all, " +
    "and the same call again ends with it moved once",
  ignore,
}, async (t) => {
  await using children = new Children();
  for (const flow of flows) await t.step(flow.name, () => crashEverywhere(flow, children));
  const all = counts.here + counts.there;
  console.log(
    `${all} crashes: ${flows.length} flows of ${counts.statements} statements, each ` +
      `in ${
        Object.keys(CRASHES).length
      } ways (${counts.here}), and ${counts.there} processes killed`,
  );
});
