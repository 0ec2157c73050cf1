import { httpLinkReader } from "../../providers/links_http.ts";
import type { LinkAnswer, LinkReader } from "../../providers/links.ts";

/** An address that passes every check; nothing is ever sent there. */
export const PUBLIC_ADDRESS = "93.184.215.14";

/** What a page's server does with one connection, after the request's head has been read. */
export type Behaviour = (connection: Deno.Conn, request: string) => Promise<void>;

export interface LinkServer {
  port: number;
  /** Heads of the requests that arrived. */
  requests: string[];
  connectionCount: number;
  /** A reader for which public addresses, once they are checked, are this server. */
  reader(names: Record<string, string[]>, options?: { timeoutMs?: number }): LinkReader & {
    resolved: string[];
    dialled: string[];
  };
}

/**
 * Runs `body` with a server on loopback that counts connections. It speaks raw TCP, since most of
 * what a hostile server does no HTTP library would let it do.
 */
export async function withLinkServer(
  behaviour: Behaviour,
  body: (server: LinkServer) => Promise<void>,
): Promise<void> {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const { port } = listener.addr;
  const connections = new Set<Deno.Conn>();
  const server: LinkServer = {
    port,
    requests: [],
    connectionCount: 0,
    reader(names, options) {
      const resolved: string[] = [];
      const dialled: string[] = [];
      const reader = httpLinkReader({
        ...options,
        resolve: (name) => {
          resolved.push(name);
          return names[name] ? Promise.resolve(names[name]) : Promise.reject(new Error("unknown"));
        },
        dial: (target) => {
          dialled.push(`${target.address}:${target.port}`);
          // Only what a test calls public is moved here; a slip through the check stays itself.
          return target.address === PUBLIC_ADDRESS ? { address: "127.0.0.1", port } : target;
        },
      });
      return { ...reader, resolved, dialled };
    },
  };
  const serving = (async () => {
    const handling: Promise<void>[] = [];
    for await (const connection of listener) {
      server.connectionCount++;
      connections.add(connection);
      handling.push(
        handle(connection, behaviour, server).catch(() => {}).finally(() => {
          connections.delete(connection);
          close(connection);
        }),
      );
    }
    await Promise.all(handling);
  })();
  try {
    await body(server);
  } finally {
    listener.close();
    connections.forEach(close);
    await serving;
  }
}

async function handle(connection: Deno.Conn, behaviour: Behaviour, server: LinkServer) {
  const bytes = new Uint8Array(16_384);
  const byteCount = await connection.read(bytes) ?? 0;
  const request = new TextDecoder("latin1").decode(bytes.subarray(0, byteCount));
  server.requests.push(request);
  await behaviour(connection, request);
}

function close(connection: Deno.Conn) {
  try {
    connection.close();
  } catch {
    // Closed already.
  }
}

export async function send(connection: Deno.Conn, data: string | Uint8Array): Promise<void> {
  const bytes = typeof data === "string" ? new TextEncoder().encode(data) : data;
  for (let at = 0; at < bytes.length;) at += await connection.write(bytes.subarray(at));
}

export interface Answer {
  status?: number;
  type?: string;
  headers?: Record<string, string>;
  body?: string | Uint8Array;
}

/** Answers with one whole response and closes. */
export function answerWith(answer: Answer | ((path: string) => Answer)): Behaviour {
  return async (connection, request) => {
    const path = request.split(" ")[1] ?? "";
    const { status = 200, type = "text/html; charset=utf-8", headers = {}, body = "" } =
      typeof answer === "function" ? answer(path) : answer;
    const lines = Object.entries({ ...type && { "Content-Type": type }, ...headers })
      .map(([name, value]) => `${name}: ${value}\r\n`).join("");
    await send(connection, `HTTP/1.1 ${status} Said\r\n${lines}Connection: close\r\n\r\n`);
    await send(connection, body);
  };
}

export const redirectTo = (location: string): Answer => ({
  status: 302,
  type: "",
  headers: { Location: location },
});

export const failureOf = (answer: LinkAnswer) =>
  "failure" in answer ? answer.failure : `a preview: ${answer.preview.title}`;
export const reasonOf = (answer: LinkAnswer) => "failure" in answer ? answer.reason : "a preview";
