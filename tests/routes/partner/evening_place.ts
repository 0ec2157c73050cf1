import assert from "node:assert/strict";
import { parseExactly } from "../../../config/runtime/long_integer.ts";
import { Cmd, GobelieveClient, type HeardFrame } from "../../clients/gobelieve.ts";
import {
  callPartner,
  makeApp,
  type PartnerAnswer,
  type PartnerCall,
} from "../../clients/partner.ts";
import { startTestApp, type TestApp } from "../../harness.ts";
import { type ChatServer, startChatServer } from "../../servers/chat.ts";
import { waitUntil } from "../../services/binary.ts";

/** Numbers of people as a snowflake makes them: a double takes neighbours for the same. */
export const ANNA = "1795957151000000001";
export const BEN = "1795957151000000002";
export const CLEO = "1795957151000000003";
export const DAN = "9223372036854775807";

/** A number in a body, with all its digits. */
export const number = (digits: string) =>
  (JSON as unknown as { rawJSON(text: string): unknown }).rawJSON(digits);

/** What happened, and what is said of it but the time. */
export type News = [what: string, fields: Record<string, unknown>];

/** A notification as deployed clients read it: the one key says what happened. */
export function newsOf({ cmd, content = "" }: HeardFrame): News {
  assert.equal(cmd, Cmd.groupNotification);
  const entries = Object.entries(parseExactly(content) as Record<string, Record<string, unknown>>);
  assert.equal(entries.length, 1, content);
  const [what, { timestamp, ...fields }] = entries[0]!;
  assert.ok(Number.isInteger(timestamp), content);
  return [what, fields];
}

/** A partner's server and its people's clients, over HTTP and sockets and nothing else. */
export class PartnersEvening implements AsyncDisposable {
  readonly #app: TestApp;
  readonly #server: ChatServer;
  readonly #basic: string;
  readonly appId: number;
  readonly #taken = new Map<GobelieveClient, number>();
  readonly #clients: GobelieveClient[] = [];

  private constructor(app: TestApp, server: ChatServer, given: { appId: number; basic: string }) {
    this.#app = app;
    this.#server = server;
    this.appId = given.appId;
    this.#basic = given.basic;
  }

  static async begin(): Promise<PartnersEvening> {
    const app = await startTestApp();
    return new PartnersEvening(
      app,
      startChatServer(app),
      await makeApp(app.ctx, { customerProof: "device" }),
    );
  }

  /** As the partner's server, unless a client's token or other credentials are given. */
  call(operation: string, call: PartnerCall = {}): Promise<PartnerAnswer> {
    const basic = call.bearer === undefined ? this.#basic : undefined;
    return callPartner(this.#server, operation, { ...basic !== undefined && { basic }, ...call });
  }

  /** A call without any credentials. */
  callAsAnybody(operation: string, call: PartnerCall = {}): Promise<PartnerAnswer> {
    return callPartner(this.#server, operation, call);
  }

  /** A call that must work; its data, of whose numbers those a double would round are texts. */
  // deno-lint-ignore no-explicit-any -- each test knows what it asked for
  async ask(operation: string, call: PartnerCall = {}): Promise<any> {
    const { http, text } = await this.call(operation, call);
    assert.equal(http, 200, `${operation}: ${text}`);
    const { meta, success, data } = parseExactly(text) as Record<string, unknown>;
    assert.deepEqual([meta, success], [{ code: 200, message: "success" }, true]);
    return data;
  }

  async grant(uid: string, name?: string): Promise<string> {
    const body = { uid: number(uid), ...name !== undefined && { user_name: name } };
    return (await this.ask("POST /auth/grant", { body })).token;
  }

  /** A client that is logged in and does what deployed ones do. */
  async open(token: string, from: { key?: number; groupKeys?: [number, number][] } = {}) {
    const client = new GobelieveClient(this.#server.url);
    this.#clients.push(client);
    return await client.follow({ token }, from.key, from.groupKeys ?? []);
  }

  /** What a client has come to show since it was asked last: just so many. */
  async hears(client: GobelieveClient, count: number): Promise<HeardFrame[]> {
    const from = this.#taken.get(client) ?? 0;
    await waitUntil("what is said", () => client.shown.length >= from + count);
    await client.settled();
    this.#taken.set(client, client.shown.length);
    const heard = client.shown.slice(from);
    assert.equal(heard.length, count, `${heard.map(({ content }) => content)}`);
    return heard;
  }

  async [Symbol.asyncDispose]() {
    for (const client of this.#clients) await client[Symbol.asyncDispose]();
    await this.#server[Symbol.asyncDispose]();
    await this.#app[Symbol.asyncDispose]();
  }
}
