import type { Ctx } from "../../db/client/ctx.ts";
import { type PresentSocket, setGone, setPresent } from "../../db/redis/presence.ts";

/** Tells Redis who comes and goes, many in one trip; what cannot be told runs out by itself. */
export class Attendance {
  readonly #ctx: Ctx;
  #come = new Map<string, PresentSocket>();
  #gone = new Map<string, PresentSocket>();
  #telling: Promise<void> | undefined;

  constructor(ctx: Ctx) {
    this.#ctx = ctx;
  }

  come(sockets: Iterable<PresentSocket>): void {
    for (const socket of sockets) this.#come.set(socket.socketId, socket);
    this.#tellSoon();
  }

  gone(socket: PresentSocket): void {
    this.#come.delete(socket.socketId);
    this.#gone.set(socket.socketId, socket);
    this.#tellSoon();
  }

  /** Resolves when there is nothing left to tell. */
  async settle(): Promise<void> {
    await this.#telling;
  }

  #tellSoon(): void {
    this.#telling ??= this.#tell();
  }

  async #tell(): Promise<void> {
    await Promise.resolve();
    while (this.#come.size + this.#gone.size > 0) {
      const [come, gone] = [[...this.#come.values()], [...this.#gone.values()]];
      this.#come.clear();
      this.#gone.clear();
      try {
        await setPresent(this.#ctx, come);
        await setGone(this.#ctx, gone);
      } catch {
        // Redis is away: nobody is known to be there, until the next refresh.
      }
    }
    // In the same turn as the last look, so that nothing can come in between.
    this.#telling = undefined;
  }
}
