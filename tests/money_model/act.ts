import { issueOperatorToken } from "../../db/domain/operators/tokens.ts";
import { imErrors } from "../../routes/im/errors.ts";
import type { ErrorTable } from "../../routes/spec.ts";
import { opsErrors } from "../../routes/ops/errors.ts";
import { callIm } from "../clients/im.ts";
import { callOps } from "../clients/ops.ts";
import type { TestApp } from "../harness.ts";
import type { Books, Foreseen } from "./books.ts";
import type { Cast } from "./cast.ts";

/** Who and what a program's calls go to. */
export interface Stage extends Cast {
  app: TestApp;
  /** Moves the clock, ms. */
  advance(ms: number): void;
}

export interface Said {
  http: number;
  // deno-lint-ignore no-explicit-any -- each act knows its own answer
  data: any;
  /** How the surface that said it words refusals. */
  errors: ErrorTable;
}

/** One call somebody makes, with everything in it: made again it is the same call. */
export interface Act {
  name: string;
  input: Record<string, unknown>;
  /** What must be answered; the books change as the database must. */
  foresee(books: Books): Foreseen;
  call(stage: Stage): Promise<Said>;
  /** The same but for this. */
  but(over: Record<string, unknown>): Act;
}

interface Kind<Input> {
  foresee(books: Books, input: Input): Foreseen;
  call(stage: Stage, input: Input): Promise<Said>;
}

/** A kind of call; answers the function that makes calls of it. */
export function defineAct<Input extends object>(
  name: string,
  kind: Kind<Input>,
): (input: Input) => Act {
  const make = (input: Input): Act => ({
    name,
    input: input as Record<string, unknown>,
    foresee: (books) => kind.foresee(books, input),
    call: (stage) => kind.call(stage, input),
    but: (over) => make({ ...input, ...over }),
  });
  return make;
}

/** A call of the chat app by one of the people. */
export async function asPerson(
  { app, people }: Stage,
  who: number,
  call: string,
  { body, query, headers }: {
    body?: unknown;
    query?: Record<string, string>;
    headers?: Record<string, string>;
  } = {},
): Promise<Said> {
  const [method, path] = call.split(" ") as [string, string];
  const { token } = people[who]!;
  // Some pay in at a door of development, where nobody has to confirm it.
  const answer = await callIm(app.door, method, path, {
    token,
    ...body !== undefined && { body },
    ...query && { query },
    ...headers && { headers },
  });
  return { ...answer, errors: imErrors };
}

/** A call of the operator, whose token is made anew: programs move the clock by weeks. */
export async function asOperator(
  { app, operatorId }: Stage,
  operation: string,
  { no, body }: { no: string; body?: unknown },
): Promise<Said> {
  const token = await issueOperatorToken(app.ctx, { operatorId, role: "operator" });
  const answer = await callOps(app, operation, { token, params: { no }, body });
  return { ...answer, errors: opsErrors };
}
