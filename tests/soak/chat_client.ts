import { type Client, type ClientSetting, WEB } from "./client.ts";
import {
  type Answer,
  type ClientCodec,
  type Incoming,
  RpcClientCodec,
  WukongClientCodec,
} from "./client_codecs.ts";
import { Connection, type ConnectionOptions } from "./connection.ts";
import type { Sent } from "./ledger.ts";
import { PushWatch } from "./push_watch.ts";
import { SeenInbox } from "./seen_inbox.ts";
import { synchronize } from "./synchronize.ts";

const SYNC_PAGE_COUNT = 100;
const APP = 0;

/** A client of the chat app: it fetches what it missed over HTTP, and lives on what is pushed. */
export class ChatClient implements Client {
  readonly inbox: SeenInbox;
  readonly watches: PushWatch[] = [];
  readonly #setting: ClientSetting;

  constructor(setting: ClientSetting) {
    this.#setting = setting;
    this.inbox = new SeenInbox(setting.name, setting.findings);
  }

  async open(server: number): Promise<Connection | undefined> {
    const watch = new PushWatch(this.inbox);
    const connection = await Connection.open({
      ...this.#optionsOf(server, this.#setting.plan.deviceFlag),
      onPush: (message) => this.#takePush(message, watch),
    });
    if (!connection) return undefined;
    this.watches.push(watch);
    watch.synced(await this.#catchUp(server));
    return connection;
  }

  openAside(server: number): Promise<Connection | undefined> {
    return Connection.open({ ...this.#optionsOf(server, WEB), onPush: () => {} });
  }

  learn(sent: Sent, { messageId, seq }: Answer): void {
    if (seq === 0) return;
    const { ledger, plan } = this.#setting;
    this.inbox.learn("answer", { ...ledger.asSeenBy(plan.person, sent, messageId), seq });
  }

  #optionsOf(server: number, deviceFlag: number): Omit<ConnectionOptions, "onPush"> {
    const { plan, servers, ledger } = this.#setting;
    const { uid, token, webToken } = ledger.cast.people[plan.person]!;
    const { port, tcpPort } = servers[server]!;
    const isTcp = plan.way === "binary_over_tcp";
    return {
      port: isTcp ? tcpPort : port,
      isTcp,
      codec: this.#codec(),
      login: { uid, token: deviceFlag === APP ? token : webToken, deviceFlag },
      isCuttable: plan.isCuttable,
      isInLine: this.#setting.perSecond !== undefined,
    };
  }

  #codec(): ClientCodec {
    const { way, version, confirms } = this.#setting.plan;
    return way === "json_rpc" ? new RpcClientCodec({ confirms }) : new WukongClientCodec(version);
  }

  #takePush(message: Incoming, watch: PushWatch): void {
    const { seq, clientMsgNo } = message;
    // What is not kept has no number: that an own message has read its channel.
    if (seq === 0) return;
    const after = watch.take(seq);
    if (after !== undefined) {
      this.#complain(`${clientMsgNo} was pushed as seq ${seq} after ${after} on one connection`);
    }
    this.inbox.learn("push", message);
  }

  /** @returns how far it got */
  async #catchUp(server: number): Promise<number> {
    const { plan, servers, ledger } = this.#setting;
    const { token, webToken } = ledger.cast.people[plan.person]!;
    let lastSeq = this.inbox.contiguousSeq;
    const page = {
      httpUrl: () => servers[server]!.httpUrl,
      token: plan.deviceFlag === APP ? token : webToken,
      afterSeq: lastSeq,
      pageCount: SYNC_PAGE_COUNT,
    };
    for await (const message of synchronize(page)) {
      if (message.seq !== ++lastSeq) {
        this.#complain(`a sync brought seq ${message.seq} where ${lastSeq} should be`);
        lastSeq = message.seq;
      }
      this.inbox.learn("sync", message);
    }
    return lastSeq;
  }

  #complain(text: string): void {
    this.#setting.findings.add(`${this.#setting.name}: ${text}`);
  }
}
