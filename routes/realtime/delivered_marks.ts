import type { Ctx } from "../../db/client/ctx.ts";
import { markDelivered } from "../../db/domain/messages/heads.ts";

/** How long marks are gathered before they are written, ms. */
const GATHER_MS = 3_000;

/**
 * How far people's devices have confirmed what they were sent. Everybody's marks are written in one
 * trip every few seconds; what could not be written is overtaken by the next confirmation.
 */
export class DeliveredMarks {
  readonly #ctx: Ctx;
  readonly #report: (error: unknown) => void;
  #marks = new Map<number, number>();
  #timer: ReturnType<typeof setTimeout> | undefined;
  #writing: Promise<void> | undefined;

  constructor(ctx: Ctx, report: (error: unknown) => void) {
    this.#ctx = ctx;
    this.#report = report;
  }

  move(userId: number, seq: number): void {
    if (seq <= (this.#marks.get(userId) ?? 0)) return;
    this.#marks.set(userId, seq);
    this.#timer ??= setTimeout(() => this.#writing = this.#write(), GATHER_MS);
  }

  /** Writes what there is; resolves when nothing is under way any more. */
  async settle(): Promise<void> {
    clearTimeout(this.#timer);
    await this.#writing;
    await this.#write();
  }

  async #write(): Promise<void> {
    this.#timer = undefined;
    const marks = this.#marks;
    this.#marks = new Map();
    try {
      await markDelivered(this.#ctx, marks);
    } catch (error) {
      this.#report(error);
    }
  }
}
