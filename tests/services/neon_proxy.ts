import { neonConfig } from "@neondatabase/serverless";
import pg from "pg";

/** What stands in front of a Neon database, here in front of any PostgreSQL. */
export interface NeonProxy extends AsyncDisposable {
  port: number;
  /** Cuts every WebSocket without a good-bye; answers how many there were. */
  cutAll(): number;
}

interface Statement {
  query: string;
  params?: unknown[];
}

/** Starts a proxy that speaks Neon's wire: statements over HTTP, connections over WebSocket. */
export function startNeonProxy(url: string): NeonProxy {
  const { hostname, port } = new URL(url);
  const cuts = new Set<() => void>();
  const server = Deno.serve(
    { hostname: "127.0.0.1", port: 0, onListen: () => {} },
    async (request) => {
      const { pathname } = new URL(request.url);
      if (pathname === "/sql" && request.method === "POST") return await answerSql(request, url);
      if (pathname !== "/v2") return new Response("no such path", { status: 404 });
      const { socket, response } = Deno.upgradeWebSocket(request);
      bridge(socket, { hostname, port: Number(port) }, cuts);
      return response;
    },
  );
  const cutAll = () => {
    const { size } = cuts;
    for (const cut of [...cuts]) cut();
    return size;
  };
  return {
    port: server.addr.port,
    cutAll,
    async [Symbol.asyncDispose]() {
      cutAll();
      await server.shutdown();
    },
  };
}

/** Carries bytes between a WebSocket and PostgreSQL until either side ends. */
function bridge(
  socket: WebSocket,
  target: Deno.ConnectOptions,
  cuts: Set<() => void>,
): void {
  socket.binaryType = "arraybuffer";
  const connected = Deno.connect(target);
  const end = () => {
    if (!cuts.delete(end)) return;
    connected.then((tcp) => tcp.close(), () => {}).catch(() => {});
    if (socket.readyState <= WebSocket.OPEN) socket.close();
  };
  cuts.add(end);
  // One write after the other: a message must not overtake the one before it.
  let written: Promise<unknown> = connected;
  socket.onmessage = ({ data }) => {
    written = written.then(async () => {
      const writer = (await connected).writable.getWriter();
      await writer.write(new Uint8Array(data)).finally(() => writer.releaseLock());
    });
    written.catch(end);
  };
  socket.onclose = end;
  socket.onerror = end;
  socket.onopen = async () => {
    try {
      const tcp = await connected;
      for await (const bytes of tcp.readable) socket.send(bytes);
    } catch {
      // The target is away or was cut; either way the WebSocket ends too.
    }
    end();
  };
  connected.catch(() => {});
}

/** One statement or a batch in one transaction; values go in and out as text. */
async function answerSql(request: Request, url: string): Promise<Response> {
  const body = await request.json() as Statement | { queries: Statement[] };
  const client = new pg.Client({
    connectionString: request.headers.get("Neon-Connection-String") ?? url,
    types: { getTypeParser: () => String },
  });
  client.on("error", () => {});
  const execute = async ({ query, params }: Statement) => {
    const { fields, rows, command, rowCount } = await client.query({
      text: query,
      values: params ?? [],
      rowMode: "array",
    });
    return { fields, rows, command, rowCount, rowAsArray: true };
  };
  try {
    await client.connect();
    if (!("queries" in body)) return Response.json(await execute(body));
    await client.query(beginOf(request.headers));
    const results = [];
    for (const statement of body.queries) results.push(await execute(statement));
    await client.query("commit");
    return Response.json({ results });
  } catch (error) {
    const { message } = error as Error;
    return Response.json({ ...(error as object), message }, { status: 400 });
  } finally {
    await client.end();
  }
}

function beginOf(headers: Headers): string {
  const isolation = headers.get("Neon-Batch-Isolation-Level");
  const words = ["begin"];
  if (isolation) words.push("isolation level", isolation.replace(/(?=[A-Z])/g, " "));
  if (headers.get("Neon-Batch-Read-Only") === "true") words.push("read only");
  if (headers.get("Neon-Batch-Deferrable") === "true") words.push("deferrable");
  return words.join(" ");
}

/** Points Neon's driver at the proxy, for the whole process; the answer undoes that. */
export function useNeonProxy({ port }: Pick<NeonProxy, "port">): () => void {
  const { wsProxy, fetchEndpoint, useSecureWebSocket, pipelineConnect } = neonConfig;
  neonConfig.wsProxy = () => `127.0.0.1:${port}/v2`;
  neonConfig.fetchEndpoint = () => `http://127.0.0.1:${port}/sql`;
  neonConfig.useSecureWebSocket = false;
  // Sending the password unasked only works where the server asks for it in clear text.
  neonConfig.pipelineConnect = false;
  return () => {
    Object.assign(neonConfig, { wsProxy, fetchEndpoint, useSecureWebSocket, pipelineConnect });
  };
}
