import { z } from "zod";
import { listDeadLetters, type ListedWork } from "../../db/domain/outgoing/reads.ts";
import { redriveDeadLetter } from "../../db/domain/outgoing/redrive.ts";
import { DEAD_LETTERS_START_MAX } from "../../db/domain/outgoing/rules.ts";
import { pageOf, pageQuery, timeText } from "./fields.ts";
import { endpoint } from "./surface.ts";

const Work = z.object({
  id: z.string(),
  kind: z.string().describe("`push`, `room_opened`, `mixin_message`"),
  payload: z.unknown().describe("What the other service was to be told"),
  attempts: z.number().int(),
  last_error: z.string().nullable(),
  created_at: z.string(),
  due_at: z.string().describe("When it is tried next, once it is no dead letter any more"),
  done_at: z.string().nullable(),
  dead_at: z.string().nullable(),
});

function workRecord(work: ListedWork): z.input<typeof Work> {
  return {
    id: String(work.id),
    kind: work.kind,
    payload: work.payload,
    attempts: work.attemptCount,
    last_error: work.lastError,
    created_at: timeText(work.createdAt),
    due_at: timeText(work.dueAt),
    done_at: work.doneAt && timeText(work.doneAt),
    dead_at: work.deadAt && timeText(work.deadAt),
  };
}

export const list = endpoint({
  method: "get",
  path: "/v1/dead-letters",
  summary: "List calls to other services that were given up",
  description:
    "The latest first. `total` is counted up to 10000. Runs of jobs that were given up " +
    "are in GET /v1/jobs, and go on by POST /v1/jobs/{name}/run with their period.",
  needs: "dead_letters.read",
  query: pageQuery(DEAD_LETTERS_START_MAX),
  data: pageOf(Work),
  async handle({ query, ctx }) {
    const { total, items } = await listDeadLetters(ctx, query);
    return { total, items: items.map(workRecord) };
  },
});

export const redrive = endpoint({
  method: "post",
  path: "/v1/dead-letters/{id}/redrive",
  summary: "Have a call to another service tried again",
  description: "It is due at once and has all its tries. Redriven again, nothing happens.",
  needs: "dead_letters.redrive",
  params: z.object({ id: z.string().regex(/^\d{1,15}$/).transform(Number) }),
  data: Work,
  errors: ["dead_letter_missing"],
  handle: async ({ params: { id }, actor, ctx }) =>
    workRecord(await redriveDeadLetter(ctx, { id, actor })),
});
