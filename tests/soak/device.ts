import { Reason, reasonName } from "../../routes/realtime/reasons.ts";
import {
  type Answer,
  type ClientCodec,
  type Incoming,
  RpcClientCodec,
  WukongClientCodec,
} from "./client_codecs.ts";
import { Connection, type ConnectionOptions } from "./connection.ts";
import type { Findings } from "./findings.ts";
import type { Ledger, Sent } from "./ledger.ts";
import type { DevicePlan, Step } from "./plan.ts";
import { PushWatch } from "./push_watch.ts";
import { SeenInbox } from "./seen_inbox.ts";
import type { ServerProcess } from "./server_process.ts";
import { synchronize } from "./synchronize.ts";

/** How often a client tries to get in, or to get one message accepted, before the run fails. */
const TRIES_MAX = 200;
const WAIT_MS_MAX = 400;
const SYNC_PAGE_COUNT = 100;
const APP = 0;
const WEB = 1;

export interface DeviceSetting {
  /** Its place in the plan. */
  number: number;
  plan: DevicePlan;
  servers: ServerProcess[];
  ledger: Ledger;
  findings: Findings;
}

export interface DeviceFigures {
  connects: number;
  kicks: number;
  resends: number;
  refusals: number;
}

/**
 * One client app: it works through its part of the plan, sends each message until it is accepted,
 * and whenever its connection is over it goes to the other server, where it first fetches what it
 * missed and then lives on what is pushed.
 */
export class Device {
  readonly name: string;
  readonly inbox: SeenInbox;
  readonly figures: DeviceFigures = { connects: 0, kicks: 0, resends: 0, refusals: 0 };
  readonly person: number;
  readonly number: number;
  /** Of every connection it had. */
  readonly watches: PushWatch[] = [];
  readonly #setting: DeviceSetting;
  #server: number;
  #connection: Connection | undefined;
  #isResting = false;

  constructor(setting: DeviceSetting) {
    const { number, plan, findings } = setting;
    this.#setting = setting;
    this.#server = plan.server;
    this.person = plan.person;
    this.number = number;
    const protocol = plan.wukongVersion ? `WuKong ${plan.wukongVersion}` : "JSON-RPC";
    const kind = plan.deviceFlag === APP ? "app" : "web";
    this.name = `person ${plan.person} (client ${number}, ${kind}, ${protocol})`;
    this.inbox = new SeenInbox(this.name, findings);
  }

  /** Says everything it has to say. */
  async run(): Promise<void> {
    await this.#connected();
    for (const [step, planned] of this.#setting.plan.steps.entries()) {
      await this.#take(planned, step);
    }
  }

  /** Only listens, connected, until {@link leave}. */
  async rest(): Promise<void> {
    this.#isResting = true;
    while (this.#isResting) {
      const connection = await this.#connected();
      if (!this.#isResting) connection.abandon();
      await connection.closed;
    }
  }

  leave(): void {
    this.#isResting = false;
    this.#connection?.abandon();
  }

  async #connected(): Promise<Connection> {
    for (let attempt = 1; attempt <= TRIES_MAX; attempt++) {
      if (this.#connection && !this.#connection.isClosed) return this.#connection;
      if (this.#connection?.isKicked) this.figures.kicks++;
      this.#server = 1 - this.#server;
      this.#connection = await this.#open();
      if (!this.#connection) await pause(Math.random() * Math.min(WAIT_MS_MAX, 20 * attempt));
    }
    throw new Error("there is no way in");
  }

  /** A connection that has caught up; the client moves on when that fails half-way. */
  async #open(): Promise<Connection | undefined> {
    const { plan } = this.#setting;
    const watch = new PushWatch(this.inbox);
    const connection = await Connection.open({
      ...this.#optionsOf(this.#server, plan.deviceFlag),
      onPush: (message) => this.#takePush(message, watch),
    });
    if (!connection) return undefined;
    this.watches.push(watch);
    this.figures.connects++;
    watch.synced(await this.#catchUp());
    return connection;
  }

  #optionsOf(server: number, deviceFlag: number): Omit<ConnectionOptions, "onPush"> {
    const { plan, servers, ledger } = this.#setting;
    const { uid, token, webToken } = ledger.cast.people[plan.person]!;
    const codec: ClientCodec = plan.wukongVersion
      ? new WukongClientCodec(plan.wukongVersion)
      : new RpcClientCodec();
    return {
      port: servers[server]!.port,
      codec,
      login: { uid, token: deviceFlag === APP ? token : webToken, deviceFlag },
      isCuttable: plan.isCuttable,
    };
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
  async #catchUp(): Promise<number> {
    const { plan, servers, ledger } = this.#setting;
    const { token, webToken } = ledger.cast.people[plan.person]!;
    let lastSeq = this.inbox.contiguousSeq;
    const page = {
      httpUrl: () => servers[this.#server]!.httpUrl,
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

  async #take(planned: Step, step: number): Promise<void> {
    const { accident, pauseMs } = planned;
    const sent = this.#compose(planned, step);
    await pause(pauseMs);
    if (accident === "away_before") {
      this.#connection?.abandon();
      await pause(pauseMs * 10);
    }
    for (let attempt = 1; attempt <= TRIES_MAX; attempt++) {
      if (attempt > 1) this.figures.resends++;
      const connection = await this.#connected();
      // An accident happens once; the tries after it are about getting through.
      const answer = attempt === 1
        ? await this.#sendWith(accident, sent, { connection, pauseMs })
        : await connection.send(sent.message);
      if (answer && this.#accept(sent, answer)) return;
      await pause(Math.random() * Math.min(WAIT_MS_MAX, 10 * attempt));
    }
    throw new Error(`${sent.message.clientMsgNo} was never accepted`);
  }

  #compose({ to, content }: Step, step: number): Sent {
    const { number, plan, ledger } = this.#setting;
    const { people, groupNos } = ledger.cast;
    const message = {
      clientMsgNo: `${number}-${step}`,
      channelId: "group" in to ? groupNos[to.group]! : people[to.person]!.uid,
      channelType: "group" in to ? 2 : 1,
      payload: JSON.stringify({ type: 1, content }),
    };
    return ledger.add({ device: number, person: plan.person, step, to, message });
  }

  /** @returns the answer the client got to know, if any */
  async #sendWith(
    accident: Step["accident"],
    sent: Sent,
    { connection, pauseMs }: { connection: Connection; pauseMs: number },
  ): Promise<Answer | undefined> {
    const { message } = sent;
    if (accident === "twice_on_both_servers") return await this.#sendOnBoth(sent, connection);
    const answering = connection.send(message);
    switch (accident) {
      case "answer_lost":
      case "answer_lost_then_moved":
        this.#overhear(sent, await answering);
        if (accident === "answer_lost_then_moved") connection.abandon();
        return undefined;
      case "twice_in_a_row":
      case "twice_at_once": {
        if (accident === "twice_in_a_row") await answering;
        this.figures.resends++;
        const second = connection.send(message);
        this.#overhear(sent, await answering);
        return await second;
      }
      case "cut_while_waiting":
        await pause(pauseMs / 4);
        connection.abandon();
        return undefined;
      default:
        return await answering;
    }
  }

  /** Also from a page of the same person that is open for this one message; it keeps nothing. */
  async #sendOnBoth(sent: Sent, connection: Connection): Promise<Answer | undefined> {
    const options = { ...this.#optionsOf(1 - this.#server, WEB), onPush: () => {} };
    const other = await Connection.open(options);
    this.figures.resends++;
    const answers = await Promise.all([
      connection.send(sent.message),
      other?.send(sent.message),
    ]);
    this.#overhear(sent, answers[1]);
    other?.abandon();
    return answers[0];
  }

  /** Nothing the client knows of, but the servers must not contradict themselves. */
  #overhear(sent: Sent, answer: Answer | undefined): void {
    if (answer?.reason === Reason.success) this.#setting.ledger.accept(sent, answer);
  }

  /** @returns whether there is no more to be done for it */
  #accept(sent: Sent, answer: Answer): boolean {
    if (answer.reason !== Reason.success) {
      this.figures.refusals++;
      // What a server says when its database is away; nothing in the plan may be refused.
      if (answer.reason === Reason.system_error) return false;
      this.#complain(`${sent.message.clientMsgNo} was refused: ${reasonName(answer.reason)}`);
      return true;
    }
    const { ledger, plan } = this.#setting;
    ledger.accept(sent, answer);
    const { messageId, seq } = answer;
    if (seq !== 0) {
      this.inbox.learn("answer", { ...ledger.asSeenBy(plan.person, sent, messageId), seq });
    }
    return true;
  }

  #complain(text: string): void {
    this.#setting.findings.add(`${this.name}: ${text}`);
  }
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
