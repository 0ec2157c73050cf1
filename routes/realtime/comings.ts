import type { Ctx } from "../../db/client/ctx.ts";
import { tellOnlineStatus } from "../../db/domain/chat_accounts/online_status.ts";
import { readOnline, rememberTold } from "../../db/redis/presence.ts";

/** How long somebody has to be there, or gone, before it is told; and how often is looked, ms. */
const HOLD_MS = 2_000;
const LOOK_MS = 500;
/** People whose friends are told by one statement. */
const PEOPLE_COUNT_MAX = 50;

/** Whose first socket has come, or last has gone, as this process sees it. */
interface Change {
  deviceFlag: number;
  atMs: number;
}

/**
 * Tells people's friends who comes and goes, a moment later: clients lose connections and have the
 * next at once, often at another process. What was told last is remembered in Redis for all of
 * them; while it is away nothing is told.
 */
export class Comings {
  readonly #ctx: Ctx;
  readonly #isHere: (userId: number) => boolean;
  readonly #report: (error: unknown) => void;
  /** In the order of their last change. */
  readonly #changes = new Map<number, Change>();
  #timer: ReturnType<typeof setTimeout> | undefined;
  #telling: Promise<void> | undefined;
  #isStopped = false;

  constructor(
    ctx: Ctx,
    { isHere, report }: {
      isHere: (userId: number) => boolean;
      report: (error: unknown) => void;
    },
  ) {
    this.#ctx = ctx;
    this.#isHere = isHere;
    this.#report = report;
  }

  note({ userId, deviceFlag }: { userId: number; deviceFlag: number }): void {
    if (this.#isStopped) return;
    this.#changes.delete(userId);
    this.#changes.set(userId, { deviceFlag, atMs: performance.now() });
    this.#lookSoon();
  }

  #lookSoon(): void {
    this.#timer ??= setTimeout(() => this.#telling = this.#look(), LOOK_MS);
  }

  async #look(): Promise<void> {
    const due = new Map<number, Change>();
    for (const [userId, change] of this.#changes) {
      if (performance.now() - change.atMs < HOLD_MS || due.size >= PEOPLE_COUNT_MAX) break;
      this.#changes.delete(userId);
      due.set(userId, change);
    }
    if (due.size > 0) await this.#tell(due).catch(this.#report);
    this.#timer = undefined;
    if (this.#changes.size > 0 && !this.#isStopped) this.#lookSoon();
  }

  async #tell(changes: Map<number, Change>): Promise<void> {
    const presences = await readOnline(this.#ctx, [...changes.keys()]);
    const asked = [...presences].map(([userId, presence]) => ({
      userId,
      presence: { ...presence, online: presence.online || this.#isHere(userId) },
      deviceFlag: changes.get(userId)!.deviceFlag,
    }));
    const news = await rememberTold(
      this.#ctx,
      asked.map(({ userId, presence: { online } }) => ({ userId, online })),
    );
    await tellOnlineStatus(this.#ctx, asked.filter((_, at) => news[at]));
  }

  /** Who goes because this process does comes back elsewhere: nothing more is told. */
  async stop(): Promise<void> {
    this.#isStopped = true;
    this.#changes.clear();
    clearTimeout(this.#timer);
    await this.#telling;
  }
}
