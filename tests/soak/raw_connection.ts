const encoder = new TextEncoder();
const decoder = new TextDecoder();

/** A TCP connection to a server of this machine that says what it is told, whole or not. */
export class RawConnection implements Disposable {
  /** What has come so far. */
  heard = "";
  /** Resolves when the other end is closed, or this one. */
  readonly ended: Promise<void>;
  readonly #connection: Deno.TcpConn;

  private constructor(connection: Deno.TcpConn) {
    this.#connection = connection;
    this.ended = this.#listen();
  }

  static async open(port: number): Promise<RawConnection> {
    return new RawConnection(await Deno.connect({ hostname: "127.0.0.1", port }));
  }

  /** False once nobody hears it any more. */
  async say(text: string): Promise<boolean> {
    const bytes = encoder.encode(text);
    try {
      for (let sent = 0; sent < bytes.length;) {
        sent += await this.#connection.write(bytes.subarray(sent));
      }
      return true;
    } catch {
      return false;
    }
  }

  /** The status of the answer; undefined: none has come so far. */
  get status(): number | undefined {
    const [, status] = /^HTTP\/1\.1 (\d{3})/.exec(this.heard) ?? [];
    return status === undefined ? undefined : Number(status);
  }

  /** Waits for the head of the answer, or the end of the connection. */
  async answered(timeoutMs = 10_000): Promise<number | undefined> {
    const endsAt = performance.now() + timeoutMs;
    let isOver = false;
    this.ended.then(() => isOver = true);
    while (this.status === undefined && !isOver && performance.now() < endsAt) await pause(5);
    return this.status;
  }

  async #listen(): Promise<void> {
    const buffer = new Uint8Array(4_096);
    try {
      for (;;) {
        const count = await this.#connection.read(buffer);
        if (count === null) return;
        this.heard += decoder.decode(buffer.subarray(0, count));
      }
    } catch {
      // Cut: as much an end as any.
    }
  }

  [Symbol.dispose](): void {
    try {
      this.#connection.close();
    } catch {
      // Closed already.
    }
  }
}

export const pause = (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms));
