import fc from "fast-check";
import { md5Hex } from "../../config/keys.ts";
import type { MountedSurface } from "../../routes/kit.ts";
import { loadSurface, type SurfaceName } from "../../routes/surfaces.ts";
import type { TestApp } from "../harness.ts";
import type { Captured } from "../rights/captured.ts";
import { readRefusal } from "../rights/refusals.ts";
import { replay } from "../rights/replay.ts";
import type { TripsTable } from "../routes/trips_test.ts";
import { type Change, changesOf } from "./changes.ts";
import { SurfaceDocument } from "./documents.ts";
import { requestOf, writeCall, type WrittenCall } from "./wire.ts";

export interface FuzzOptions {
  /** For each operation. */
  requestCount: number;
  /** What all is drawn from; an operation's own follows from it and its name. */
  seed: number;
  /** Of a failure, as it was printed: that request alone. */
  path?: string | undefined;
  /** Longer answers are failures, ms; absent: no answer is too slow. */
  slowMs?: number;
}

export interface FuzzFigures {
  requestCount: number;
  /** Answers by HTTP status. */
  statuses: Map<number, number>;
  slowestMs: number;
  slowestOperation: string;
  /** How often a valid call was made anew. */
  captureCount: number;
}

/** Its message says all there is to say. */
class WrongAnswer extends Error {}

/** Calls that changed something use up what they were about; then a new valid one is made. */
const USES_AFTER_SUCCESS = 20;
const DAY_MS = 24 * 60 * 60 * 1_000;
/** As often in a row an answer has to be too slow. */
const SLOW_TRIES = 3;

/** One surface of an app nobody else uses meanwhile, and what its callers are told of it. */
export class FuzzPlace {
  readonly figures: FuzzFigures = {
    requestCount: 0,
    statuses: new Map(),
    slowestMs: 0,
    slowestOperation: "",
    captureCount: 0,
  };
  readonly #documents = new Map<string, SurfaceDocument>();

  private constructor(
    readonly app: TestApp,
    readonly name: SurfaceName,
    readonly surface: MountedSurface,
    private readonly document: SurfaceDocument,
  ) {
    this.#documents.set(name, document);
  }

  static async open(app: TestApp, name: SurfaceName): Promise<FuzzPlace> {
    const document = await SurfaceDocument.read(name);
    return new FuzzPlace(app, name, await loadSurface(name), document);
  }

  /** @returns the smallest failing request of an operation, as text; undefined: all went well */
  async run(
    operation: string,
    call: TripsTable[string]["call"],
    { requestCount, seed, path, slowMs }: FuzzOptions,
  ): Promise<string | undefined> {
    const source = new ValidCalls(() => this.#capture(operation, call));
    const property = fc.asyncProperty(
      changesOf(this.document.operations.get(operation)!),
      async (changes) => {
        const about = {
          call: await source.next(),
          path: operation.split(" ")[1]!,
          isSigned: this.name === "gateway",
        };
        let tries = 0;
        for (;;) {
          const written = writeCall(this.app, about, changes);
          const { fault, answer, tookMs } = await this.#faultOf(written);
          source.sawAnswer(written.method, answer?.status ?? 0);
          this.#count(operation, answer?.status, tookMs);
          const isSlow = slowMs !== undefined && tookMs > slowMs;
          // A busy machine is slow once, and so is the first statement of a kind.
          if (!fault && isSlow && ++tries < SLOW_TRIES) continue;
          const what = fault ?? (isSlow ? `took ${Math.round(tookMs)} ms` : undefined);
          if (!what) return;
          throw new WrongAnswer(describe(what, { changes, written, answer: answer?.text }));
        }
      },
    );
    const result = await fc.check(property, {
      numRuns: requestCount,
      seed: seedOf(seed, `${this.name} ${operation}`),
      ...path !== undefined && { path },
    });
    if (!result.failed) return undefined;
    const error = result.errorInstance as Error;
    const message = error instanceof WrongAnswer ? error.message : error.stack;
    return `${this.name} ${operation}: seed ${seed}, path ${result.counterexamplePath}\n${message}`;
  }

  async #capture(operation: string, call: TripsTable[string]["call"]): Promise<Captured> {
    this.figures.captureCount++;
    const way = { surface: this.surface, operation, call };
    let captured: Captured | undefined;
    const see = (seen: Captured) => {
      captured = seen;
      return Promise.resolve();
    };
    try {
      await replay(this.app, way, see);
    } catch {
      // The same person comes again and again, and some things they may do so often a day.
      this.app.clock.advance(DAY_MS);
      await replay(this.app, way, see);
    }
    return captured!;
  }

  async #faultOf(written: WrittenCall) {
    const { app } = this;
    const startedAt = performance.now();
    let answer: { status: number; type: string; text: string } | undefined;
    let fault: string | undefined;
    try {
      const response = await app.fetch(requestOf(written));
      const type = response.headers.get("content-type") ?? "";
      answer = { status: response.status, type, text: await response.text() };
    } catch (error) {
      fault = `no answer: ${error}`;
    }
    const tookMs = performance.now() - startedAt;
    const lines = app.logs.splice(0);
    const complaint = lines.find(({ level }) => level === "error" || level === "warn");
    if (complaint) fault ??= `said ${JSON.stringify(complaint)}`;
    const line = lines.findLast(({ msg }) => msg === "request") ?? {};
    if (answer && !fault) fault = await this.#undocumented(answer, line);
    return { fault, answer, tookMs };
  }

  /** A changed path may be another operation's, or nobody's. */
  async #undocumented(
    answer: { status: number; type: string; text: string },
    { surface, endpoint }: Record<string, unknown>,
  ): Promise<string | undefined> {
    if (answer.status >= 500) return `${answer.status}`;
    if (typeof endpoint === "string") {
      const name = surface as SurfaceName;
      const document = this.#documents.get(name) ?? await SurfaceDocument.read(name);
      this.#documents.set(name, document);
      return document.faultIn(endpoint, answer);
    }
    if (answer.status < 400) return undefined;
    const said = JSON.parse(answer.text);
    const isRefusal = SURFACES.some((name) => readRefusal(name, answer.status, said));
    return isRefusal ? undefined : `${answer.status} in no surface's envelope`;
  }

  #count(operation: string, status: number | undefined, tookMs: number): void {
    const { figures } = this;
    figures.requestCount++;
    if (status) figures.statuses.set(status, (figures.statuses.get(status) ?? 0) + 1);
    if (tookMs < figures.slowestMs) return;
    figures.slowestMs = tookMs;
    figures.slowestOperation = `${this.name} ${operation}`;
  }
}

const SURFACES: SurfaceName[] = ["gateway", "im", "partner", "admin", "ops"];

/** A valid call as long as it is one, then the next. */
class ValidCalls {
  #call: Captured | undefined;
  #usesLeft = 0;

  constructor(private readonly make: () => Promise<Captured>) {}

  async next(): Promise<Captured> {
    if (!this.#call || this.#usesLeft-- <= 0) {
      this.#call = await this.make();
      this.#usesLeft = Number.POSITIVE_INFINITY;
    }
    return this.#call;
  }

  /** What changed something may have used the call up. */
  sawAnswer(method: string, status: number): void {
    if (method !== "GET" && status < 300) {
      this.#usesLeft = Math.min(this.#usesLeft, USES_AFTER_SUCCESS);
    }
  }
}

/** Of each operation its own, so that one can be run again without the others. */
const seedOf = (seed: number, name: string) => parseInt(md5Hex(`${seed} ${name}`).slice(0, 7), 16);

const SHOWN_MAX = 2_000;
const excerpt = (text: string) =>
  text.length > SHOWN_MAX ? `${text.slice(0, SHOWN_MAX)}… (${text.length})` : text;

function describe(
  fault: string,
  { changes, written: { method, url, headers, body }, answer = "" }: {
    changes: Change[];
    written: WrittenCall;
    answer: string | undefined;
  },
): string {
  return [
    `  ${excerpt(fault)}`,
    `  changes of a valid call: ${excerpt(JSON.stringify(changes))}`,
    `  ${method} ${excerpt(url)}`,
    ...headers.map(([name, value]) => `  ${name}: ${excerpt(value)}`),
    ...body ? [`  ${excerpt(JSON.stringify(new TextDecoder().decode(body)))}`] : [],
    `  → ${excerpt(answer)}`,
  ].join("\n");
}
