import type { LoadRequest } from "../bench/load.ts";

/** How long a request took from when it was meant to be sent, ms. */
export interface OpenLoopAnswer {
  /** Place of the request among those that take turns. */
  which: number;
  tookMs: number;
}

export interface OpenLoopOptions {
  port: number;
  ratePerSecond: number;
  seconds: number;
  connectionCount: number;
}

/**
 * Sends requests at fixed times, whatever the answers do: one that finds no connection free waits
 * for one, and its wait counts. So what is slow delays nothing but itself, and hides nothing.
 */
export async function runOpenLoop(
  requests: LoadRequest[],
  { port, ratePerSecond, seconds, connectionCount }: OpenLoopOptions,
): Promise<OpenLoopAnswer[]> {
  const encoder = new TextEncoder();
  const texts = requests.map((request) => encoder.encode(textOf(request, port)));
  const answers: OpenLoopAnswer[] = [];
  const count = Math.floor(ratePerSecond * seconds);
  const startsAt = performance.now();
  const meantAt = (place: number) => startsAt + place * 1000 / ratePerSecond;
  let next = 0;
  // Connections take turns at what is due: nobody waits while one of them is free.
  await Promise.all(Array.from({ length: connectionCount }, async () => {
    using line = await Line.open(port);
    while (next < count) {
      const place = next++;
      const waitMs = meantAt(place) - performance.now();
      if (waitMs > 0) await pause(waitMs);
      await line.ask(texts[place % texts.length]!);
      const tookMs = performance.now() - meantAt(place);
      answers.push({ which: place % texts.length, tookMs });
    }
  }));
  return answers;
}

function textOf({ method = "GET", path, headers, body = "" }: LoadRequest, port: number): string {
  const length = new TextEncoder().encode(body).length;
  const all = { Host: `127.0.0.1:${port}`, ...headers, "Content-Length": String(length) };
  const head = Object.entries(all).map(([name, value]) => `${name}: ${value}\r\n`).join("");
  return `${method} ${path} HTTP/1.1\r\n${head}\r\n${body}`;
}

const HEAD_END = "\r\n\r\n";
const BUFFER_BYTES = 65_536;

/** A connection that is kept, and reads no more of an answer than it must. */
class Line implements Disposable {
  readonly #buffer = new Uint8Array(BUFFER_BYTES);
  readonly #decoder = new TextDecoder("latin1");

  private constructor(private readonly connection: Deno.TcpConn) {}

  static async open(port: number): Promise<Line> {
    const connection = await Deno.connect({ hostname: "127.0.0.1", port });
    connection.setNoDelay();
    return new Line(connection);
  }

  /** @throws {Error} on any answer but 200 */
  async ask(text: Uint8Array): Promise<void> {
    for (let sent = 0; sent < text.length;) {
      sent += await this.connection.write(text.subarray(sent));
    }
    let answer = "";
    let end = Infinity;
    while (answer.length < end) {
      const length = await this.connection.read(this.#buffer);
      if (length === null) throw new Error(`the server ended a connection after: ${answer}`);
      answer += this.#decoder.decode(this.#buffer.subarray(0, length));
      const headEnd = answer.indexOf(HEAD_END);
      if (end !== Infinity || headEnd < 0) continue;
      if (!answer.startsWith("HTTP/1.1 200")) throw new Error(answer);
      const bodyLength = /^content-length: (\d+)/im.exec(answer)?.[1];
      if (bodyLength === undefined) throw new Error(`no length in ${answer}`);
      end = headEnd + HEAD_END.length + Number(bodyLength);
    }
  }

  [Symbol.dispose]() {
    this.connection.close();
  }
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
