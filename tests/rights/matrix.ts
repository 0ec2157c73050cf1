import { isDeepStrictEqual } from "node:util";
import type { SurfaceName } from "../../routes/surfaces.ts";
import type { TestApp } from "../harness.ts";
import { callAgain, type Caller, type Callers, type Captured } from "./captured.ts";
import { withWrong } from "./proofs.ts";
import type { Row } from "./read_table.ts";
import { outcomeOf } from "./refusals.ts";
import type { Trace, Traces } from "./traces.ts";

/** All that one surface's operations are called with. */
export interface Place {
  name: SurfaceName;
  app: TestApp;
  callers: Callers;
  traces: Traces;
  /** Refusals by operation, as the documents have them. */
  documented: Map<string, Set<string>>;
}

/** Surfaces that share paths: with the other's credentials a call may be the other's. */
const NEIGHBOURS: Partial<Record<SurfaceName, SurfaceName>> = { im: "partner", partner: "im" };

/** A call by somebody it is not for, or with something wrong in it. */
interface Attempt {
  who: string;
  request: Request;
  /** A refusal, or `nothing`. */
  expected: string;
  isForeign: boolean;
}

/**
 * Everybody else makes the call, then whoever it is for.
 *
 * @returns what went another way than the row says, which is nothing
 */
export async function refuseOthers(place: Place, row: Row, call: Captured): Promise<string[]> {
  const attempts = await attemptsAt(place, row, call);
  // What was left so far is from making the callers.
  await place.traces.take();
  const tried: (Attempt & { said: string; faults: string[] })[] = [];
  for (const attempt of attempts) {
    tried.push({ ...attempt, ...await tryOnce(place, row, attempt) });
  }
  const response = await place.app.fetch(callAgain(call));
  const shown = await response.text();
  const outcome = outcomeOf(place.name, response.status, shown);
  return [
    ...tried.flatMap(({ who, faults }) => faults.map((fault) => `${who}: ${fault}`)),
    ...outcome === "success" ? [] : [`whose call it is: ${outcome}: ${excerpt(shown)}`],
    ...tried.filter(({ expected }) => expected === "nothing").flatMap(({ who, said }) =>
      idsIn(shown).filter((id) => said.includes(id)).map((id) => `${who}: is shown ${id}`)
    ),
  ];
}

/** Somebody else makes the call, for whom it is as well. */
export async function serve(place: Place, call: Captured, name: string): Promise<string[]> {
  const caller = await callerNamed(place, call, name);
  const response = await place.app.fetch(await caller.request(call));
  const said = await response.text();
  const outcome = outcomeOf(place.name, response.status, said);
  return outcome === "success" ? [] : [`${name}: ${outcome}, not success: ${excerpt(said)}`];
}

/** Made for the call where that is known of, so that a success changes nobody who is standing by. */
async function callerNamed(
  { app, callers: { standing, made } }: Place,
  call: Captured,
  name: string,
): Promise<Caller> {
  const caller = await made[name]?.(app, call) ?? standing.find((known) => known.name === name);
  if (!caller) throw new Error(`the table names ${name}, whom nobody knows`);
  return caller;
}

async function attemptsAt(place: Place, row: Row, call: Captured): Promise<Attempt[]> {
  const { standing, again = callAgain } = place.callers;
  const refused = row.succeeds.includes("everybody")
    ? []
    : standing.filter(({ name }) => !row.succeeds.includes(name));
  for (const name of row.refused.keys()) {
    const isThere = standing.some((known) => known.name === name);
    if (!isThere) refused.push(await callerNamed(place, call, name));
  }
  const attempts: Attempt[] = [];
  for (const { name, refusal, isForeign = false, request } of refused) {
    const expected = row.refused.get(name) ?? refusal;
    attempts.push({ who: name, request: await request(call), expected, isForeign });
  }
  for (const [part, expected] of row.proofs) {
    const request = again(withWrong(call, part));
    attempts.push({ who: `a wrong ${part}`, request, expected, isForeign: false });
  }
  return attempts;
}

async function tryOnce(
  place: Place,
  row: Row,
  { request, expected, isForeign }: Attempt,
): Promise<{ said: string; faults: string[] }> {
  const response = await place.app.fetch(request);
  const said = await response.text();
  const outcome = outcomeOf(place.name, response.status, said);
  const wanted = expected === "nothing" ? "success" : expected;
  const left = (await place.traces.take()).filter((trace) => !isAudit(trace, expected));
  const faults: string[] = [];
  if (outcome !== wanted) {
    const isNeighbours = isForeign && isRefusedBy(NEIGHBOURS[place.name], response.status, said);
    if (!isNeighbours) faults.push(`${outcome}, not ${expected}: ${excerpt(said)}`);
  } else if (wanted !== "success" && !place.documented.get(row.operation)!.has(wanted)) {
    faults.push(`${wanted} is not in the documents`);
  }
  if (left.length > 0) faults.push(`left ${excerpt(JSON.stringify(left))}`);
  return { said, faults };
}

/**
 * Whoever may make a call is written down, also where they find nothing to act on; and so is what
 * somebody has been shown of their own.
 */
const isAudit = ({ place, was, is_now: now }: Trace, expected: string) =>
  expected === "nothing" && (place === "operator_actions" ||
    place === "inbox_heads" && isDeepStrictEqual(unshown(was), unshown(now)));
const unshown = (head: unknown) => ({ ...Object(head), shown_seq: undefined });

function isRefusedBy(surface: SurfaceName | undefined, http: number, said: string): boolean {
  return surface !== undefined && /^4\d\d$/.test(outcomeOf(surface, http, said) ?? "");
}

/** Ids in an answer: what nobody shall be shown who has no part in it. */
const idsIn = (text: string) => text.match(/[0-9a-f]{32}|[0-9a-f-]{36}|\d{9,}/g) ?? [];

const excerpt = (text: string) => text.slice(0, 300);
