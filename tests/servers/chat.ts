import assert from "node:assert/strict";
import { randomHex32 } from "../../config/keys.ts";
import type { Ctx } from "../../db/client/ctx.ts";
import { hashToken } from "../../db/domain/sessions/access_secret.ts";
import { SessionKind, sessions } from "../../db/schema/sessions.ts";
import { createApp } from "../../routes/app.ts";
import { Reason } from "../../routes/realtime/reasons.ts";
import type { SocketOptions } from "../../routes/realtime/socket_options.ts";
import { openChat } from "../../routes/realtime/ws.ts";
import type { TestApp } from "../harness.ts";
import { makeUser } from "../people/factories.ts";
import { SdkClient } from "../services/wukong_sdk.ts";

/** A person with a live session of each kind. */
export interface ChatPerson {
  id: number;
  uid: string;
  /** The login token of the app. */
  token: string;
  webToken: string;
}

export async function makeChatPerson(ctx: Ctx, nickname = "Toby"): Promise<ChatPerson> {
  const { id, uid } = await makeUser(ctx, nickname);
  const [token, webToken] = [randomHex32(), randomHex32()];
  const now = ctx.now();
  const expiresAt = new Date(now.getTime() + 86_400_000);
  await ctx.db.insert(sessions).values([
    { tokenHash: hashToken(token), kind: SessionKind.app },
    { tokenHash: hashToken(webToken), kind: SessionKind.web },
  ].map((session) => ({ ...session, userId: id, createdAt: now, expiresAt })));
  return { id, uid, token, webToken };
}

export interface ChatServer extends AsyncDisposable {
  /** The socket's address. */
  url: string;
  /** Takes TCP connections on too, at a port of its own. */
  listen(): Promise<Deno.NetAddr>;
  /** The app, called over this server: a request's host does not matter. */
  fetch(request: Request): Promise<Response>;
  /** What SIGINT does. */
  stop(): Promise<void>;
}

/** The app behind a real server, as sockets need one. */
export function startChatServer(app: TestApp, options: Partial<SocketOptions> = {}): ChatServer {
  const deps = { ...app, log: (line: Record<string, unknown>) => app.logs.push(line) };
  const chat = openChat(deps, options);
  const { fetch } = createApp(deps, chat);
  const server = Deno.serve(
    { hostname: "127.0.0.1", port: 0, onListen() {} },
    (request, info) => fetch(request, info),
  );
  return {
    url: `ws://127.0.0.1:${server.addr.port}/ws`,
    fetch(request) {
      const { pathname, search } = new URL(request.url);
      const url = `http://127.0.0.1:${server.addr.port}${pathname}${search}`;
      return globalThis.fetch(new Request(url, request));
    },
    listen: () => chat.listen({ hostname: "127.0.0.1", port: 0 }),
    stop: () => chat.stop(),
    async [Symbol.asyncDispose]() {
      await chat.stop();
      await server.shutdown();
    },
  };
}

/** The same app, asked over the server's real connections, its doors of development included. */
export function overHttp(app: TestApp, server: ChatServer): TestApp {
  // Clients of tests look at redirections themselves.
  const fetch = (request: Request) => server.fetch(new Request(request, { redirect: "manual" }));
  return { ...app, fetch, door: { fetch } };
}

/** A client of the npm package, connected; give every client of a file a name of its own. */
export async function connectSdk(
  server: ChatServer,
  person: ChatPerson,
  { name = person.uid, deviceFlag = 0 }: { name?: string; deviceFlag?: number } = {},
): Promise<SdkClient> {
  const client = await SdkClient.load(name);
  const token = deviceFlag === 0 ? person.token : person.webToken;
  const status = await client.connect({ uid: person.uid, token, deviceFlag, addr: server.url });
  assert.deepEqual(status, { status: 1, reason: Reason.success });
  return client;
}
