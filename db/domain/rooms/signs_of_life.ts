import { sql } from "drizzle-orm";
import { Recent } from "../../../config/runtime/recent.ts";
import { withoutTrips } from "../../../config/runtime/trips.ts";
import type { Ctx } from "../../client/ctx.ts";
import { instant, listOf } from "../../sql.ts";
import { SIGN_OF_LIFE_STEP_MS, silentSince } from "./rules.ts";

/** People remembered, at least; of whom else the sign is written once more often. */
const PEOPLE_COUNT_MAX = 50_000;
/** People one statement writes down. */
const BATCH_COUNT_MAX = 1_000;

/**
 * Who was heard of, on any surface or socket, of this process: each person is written down once a
 * minute, aside from the call, which does not wait for it. Whoever comes while one statement is
 * under way is in the next.
 */
class SignsOfLife {
  /** When a person's sign was last taken to be written, ms. */
  readonly #taken = new Recent<number, number>(PEOPLE_COUNT_MAX);
  #due = new Set<number>();
  #writing: Promise<void> | undefined;

  note(ctx: WritingCtx, userIds: Iterable<number>): void {
    const nowMs = ctx.now().getTime();
    for (const userId of userIds) {
      const takenMs = this.#taken.get(userId);
      if (takenMs !== undefined && nowMs - takenMs < SIGN_OF_LIFE_STEP_MS) continue;
      this.#taken.set(userId, nowMs);
      this.#due.add(userId);
    }
    if (this.#due.size > 0) this.#writing ??= withoutTrips(() => this.#writeAll(ctx));
  }

  async #writeAll(ctx: WritingCtx): Promise<void> {
    while (this.#due.size > 0) {
      const userIds = [...this.#due].slice(0, BATCH_COUNT_MAX);
      for (const userId of userIds) this.#due.delete(userId);
      // While the database is away nobody's room can be seen; the next sign is a minute off.
      await writeSigns(ctx, userIds).catch(() => {});
    }
    // In the same turn as the last look, so that nothing can come in between.
    this.#writing = undefined;
  }
}

type WritingCtx = Pick<Ctx, "db" | "bus" | "now">;

/** Of people who are in a room; a sign that comes too late brings nobody back. */
async function writeSigns({ db, now }: WritingCtx, userIds: number[]): Promise<void> {
  const at = now();
  await db.execute(sql`
    with inside as (
      select room_members.room_id, room_members.user_id
      from unnest(${listOf(userIds, "bigint")}) as heard (user_id)
      join room_members on room_members.user_id = heard.user_id
      where left_at is null and seen_at > ${instant(silentSince(at))} and seen_at < ${instant(at)}
      -- Whoever holds a row is just entering or leaving.
      order by room_members.user_id for update of room_members skip locked
    )
    update room_members set seen_at = ${instant(at)} from inside
    where room_members.room_id = inside.room_id and room_members.user_id = inside.user_id`);
}

/** For each process, which a bus stands for. */
const signsByBus = new WeakMap<Ctx["bus"], SignsOfLife>();

/** Somebody calls, or has a socket open. Nobody waits for it; not within a transaction. */
export function noteLife(ctx: WritingCtx, userIds: Iterable<number>): void {
  const signs = signsByBus.get(ctx.bus) ?? new SignsOfLife();
  signsByBus.set(ctx.bus, signs);
  signs.note(ctx, userIds);
}
