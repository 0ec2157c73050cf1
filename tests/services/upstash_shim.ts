import { Buffer } from "node:buffer";
import { createClient, ErrorReply } from "redis";

/** A stand-in for an Upstash account: its REST protocol in front of a real redis-server. */
export interface UpstashShim extends AsyncDisposable {
  url: string;
  token: string;
  /** HTTP requests so far, refused ones included. */
  requestCount(): number;
  /** From now on the account answers nothing but this refusal. */
  refuseAll(error: string): void;
}

interface Answer {
  result?: unknown;
  error?: string;
}

const TOKEN = "upstash-shim-token";

/** Serves `redisUrl` the way Upstash serves a database, on a free local port. */
export function startUpstashShim(redisUrl: string): UpstashShim {
  const wire = new Wire(redisUrl);
  let requestCount = 0;
  let refusal: string | undefined;
  const server = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen() {} }, async (request) => {
    requestCount += 1;
    if (request.headers.get("authorization") !== `Bearer ${TOKEN}`) {
      await request.body?.cancel();
      return Response.json({ error: "Unauthorized" }, { status: 401 });
    }
    if (refusal !== undefined) {
      await request.body?.cancel();
      return Response.json({ error: refusal }, { status: 400 });
    }
    try {
      return await handle(request, wire);
    } catch (error) {
      return Response.json({ error: `no database: ${error}` }, { status: 502 });
    }
  });
  return {
    url: `http://127.0.0.1:${server.addr.port}`,
    token: TOKEN,
    requestCount: () => requestCount,
    refuseAll: (error) => refusal = error,
    async [Symbol.asyncDispose]() {
      wire.close();
      await server.shutdown();
    },
  };
}

async function handle(request: Request, wire: Wire): Promise<Response> {
  const [path, channel] = new URL(request.url).pathname.split("/").slice(1);
  const body = await request.json();
  const encode = request.headers.get("upstash-encoding") === "base64" ? inBase64 : asIs;
  switch (path) {
    case "": {
      const [answer] = await wire.send([body]);
      return Response.json(encode(answer), { status: answer.error ? 400 : 200 });
    }
    case "pipeline":
      return Response.json((await wire.send(body)).map(encode));
    case "multi-exec": {
      const exec = (await wire.send([["MULTI"], ...body, ["EXEC"]])).at(-1)!;
      if (exec.error) return Response.json(exec, { status: 400 });
      return Response.json((exec.result as unknown[]).map(answerOf).map(encode));
    }
    case "subscribe":
      return eventStream(wire, decodeURIComponent(channel));
    default:
      return Response.json({ error: "ERR unsupported path" }, { status: 404 });
  }
}

async function eventStream(wire: Wire, channel: string): Promise<Response> {
  const client = wire.newClient();
  await client.connect();
  const encoder = new TextEncoder();
  const events = new ReadableStream<Uint8Array>({
    async start(controller) {
      const event = (line: string) => controller.enqueue(encoder.encode(`data: ${line}\n\n`));
      client.once("end", () => controller.close());
      await client.subscribe(channel, (text) => event(`message,${channel},${text}`));
      event(`subscribe,${channel},1`);
    },
    cancel() {
      client.removeAllListeners("end");
      client.destroy();
    },
  });
  return new Response(events, { headers: { "content-type": "text/event-stream" } });
}

/** One connection for commands, opened again after a loss. */
class Wire {
  readonly #url: string;
  readonly #clients = new Set<ReturnType<Wire["newClient"]>>();
  #commands: Promise<ReturnType<Wire["newClient"]>> | undefined;

  constructor(url: string) {
    this.#url = url;
  }

  newClient() {
    const client = createClient({
      url: this.#url,
      RESP: 2,
      disableOfflineQueue: true,
      commandOptions: { timeout: 0 },
      socket: { reconnectStrategy: false },
    });
    this.#clients.add(client);
    client.on("error", () => {});
    client.once("terminated", () => {
      client.destroy();
      this.#clients.delete(client);
    });
    return client;
  }

  async send(commands: unknown[][]): Promise<Answer[]> {
    this.#commands ??= this.#connect();
    const client = await this.#commands;
    const sent = commands.map((command) => client.sendCommand(command.map(String)));
    return await Promise.all(sent.map((reply) => reply.catch(thrownUnlessReply).then(answerOf)));
  }

  close(): void {
    for (const client of this.#clients) client.destroy();
  }

  async #connect() {
    const client = this.newClient();
    client.once("terminated", () => this.#commands = undefined);
    await client.connect();
    return client;
  }
}

function thrownUnlessReply(error: unknown): ErrorReply {
  if (error instanceof ErrorReply) return error;
  throw error;
}

function answerOf(reply: unknown): Answer {
  return reply instanceof ErrorReply ? { error: reply.message } : { result: reply };
}

const asIs = (answer: Answer): Answer => answer;

function inBase64({ result, error }: Answer): Answer {
  return error === undefined ? { result: encoded(result) } : { error };
}

/** Every string is encoded, however deep, but the status `OK`; numbers and nulls stay bare. */
function encoded(value: unknown): unknown {
  return value === "OK" ? value : encodedItem(value);
}

function encodedItem(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(encodedItem);
  return typeof value === "string" ? Buffer.from(value).toString("base64") : value;
}
