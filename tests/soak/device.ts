import { Reason, reasonName } from "../../routes/realtime/reasons.ts";
import { ChatClient } from "./chat_client.ts";
import type { Client, ClientSetting } from "./client.ts";
import type { Answer } from "./client_codecs.ts";
import type { Connection } from "./connection.ts";
import { GobelieveClient } from "./gobelieve_client.ts";
import type { Sent } from "./ledger.ts";
import type { Accident, Step, WayName } from "./plan.ts";
import { pause } from "./raw_connection.ts";

/** How often a client tries to get in, or to get one message accepted, before the run fails. */
const TRIES_MAX = 200;
const WAIT_MS_MAX = 400;
/** Before these are said, others may be. */
const LATE: Accident[] = ["away_before", "twice_on_both_servers"];
const MS_PER_SECOND = 1_000;
const APP = 0;

export type DeviceSetting = Omit<ClientSetting, "name">;

export interface DeviceFigures {
  connects: number;
  kicks: number;
  resends: number;
  refusals: number;
  /** How long each message took that was answered at the first try, ms. */
  answerMs: number[];
}

/**
 * One client app: it works through its part of the plan, sends each message until it is accepted,
 * and whenever its connection is over it goes to the other server, where it first fetches what it
 * missed and then lives on what is pushed.
 */
export class Device {
  readonly name: string;
  readonly client: Client;
  readonly figures: DeviceFigures = {
    connects: 0,
    kicks: 0,
    resends: 0,
    refusals: 0,
    answerMs: [],
  };
  readonly person: number;
  readonly number: number;
  readonly way: WayName;
  readonly #setting: DeviceSetting;
  #server: number;
  #connection: Connection | undefined;
  #connecting: Promise<Connection> | undefined;
  #isResting = false;

  constructor(setting: DeviceSetting) {
    const { number, plan } = setting;
    this.#setting = setting;
    this.#server = plan.server;
    this.person = plan.person;
    this.number = number;
    this.way = plan.way;
    const kind = plan.deviceFlag === APP ? "app" : "web";
    const way = plan.way.startsWith("binary") ? `${plan.way} ${plan.version}` : plan.way;
    this.name = `person ${plan.person} (client ${number}, ${kind}, ${way})`;
    const named = { ...setting, name: this.name };
    this.client = plan.way === "gobelieve" ? new GobelieveClient(named) : new ChatClient(named);
  }

  /** Says everything it has to say. */
  async run(): Promise<void> {
    await this.#connected();
    const { plan: { steps }, perSecond } = this.#setting;
    if (perSecond) return await this.#runAtPace(perSecond);
    for (const [step, planned] of steps.entries()) {
      await pause(planned.pauseMs);
      await this.#take(planned, step);
    }
  }

  /** Messages leave at their time, whatever has become of those before, until too many are open. */
  async #runAtPace(perSecond: number): Promise<void> {
    const open = new Set<Promise<void>>();
    let nextAtMs = 0;
    for (const [step, planned] of this.#setting.plan.steps.entries()) {
      if (open.size >= perSecond) await Promise.race(open);
      const nowMs = performance.now();
      if (nextAtMs > nowMs) await pause(nextAtMs - nowMs);
      nextAtMs = Math.max(nextAtMs, nowMs) + MS_PER_SECOND / perSecond;
      const taken: Promise<void> = this.#take(planned, step).finally(() => open.delete(taken));
      // Whoever waits for it hears of it.
      taken.catch(() => {});
      open.add(taken);
    }
    await Promise.all(open);
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

  #connected(): Promise<Connection> {
    this.#connecting ??= this.#connect().finally(() => this.#connecting = undefined);
    return this.#connecting;
  }

  async #connect(): Promise<Connection> {
    for (let attempt = 1; attempt <= TRIES_MAX; attempt++) {
      if (this.#connection && !this.#connection.isClosed) return this.#connection;
      if (this.#connection?.isKicked) this.figures.kicks++;
      this.#server = 1 - this.#server;
      this.#connection = await this.client.open(this.#server);
      if (this.#connection) this.figures.connects++;
      else await pause(Math.random() * Math.min(WAIT_MS_MAX, 20 * attempt));
    }
    throw new Error("there is no way in");
  }

  async #take(planned: Step, step: number): Promise<void> {
    const { accident, pauseMs } = planned;
    const sent = this.#compose(planned, step);
    if (accident === "away_before") {
      this.#connection?.abandon();
      await pause(pauseMs * 10);
    }
    // At a pace the next one does not wait until this one is through.
    const isOvertaken = this.#setting.perSecond !== undefined;
    sent.isOutOfLine = isOvertaken && LATE.includes(accident);
    for (let attempt = 1; attempt <= TRIES_MAX; attempt++) {
      if (attempt > 1) {
        this.figures.resends++;
        sent.isOutOfLine = isOvertaken;
      }
      const connection = await this.#connected();
      const askedAtMs = performance.now();
      // An accident happens once; the tries after it are about getting through.
      const answer = attempt === 1
        ? await this.#sendWith(accident, sent, { connection, pauseMs })
        : await connection.send(sent.message);
      if (answer && this.#accept(sent, answer)) {
        if (attempt === 1) this.figures.answerMs.push(performance.now() - askedAtMs);
        return;
      }
      await pause(Math.random() * Math.min(WAIT_MS_MAX, 10 * attempt));
    }
    throw new Error(`${sent.message.clientMsgNo} was never accepted`);
  }

  #compose({ to, content }: Step, step: number): Sent {
    const { number, plan, ledger } = this.#setting;
    const { people, groups } = ledger.cast;
    const message = {
      clientMsgNo: `${number}-${step}`,
      channelId: "group" in to ? groups[to.group]!.groupNo : people[to.person]!.uid,
      channelType: "group" in to ? 2 : 1,
      // Where no other name of a message arrives, its words say which it is.
      payload: JSON.stringify({ type: 1, content: `${number}-${step} ${content}` }),
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
    const other = await this.client.openAside(1 - this.#server);
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
    this.#setting.ledger.accept(sent, answer);
    this.client.learn(sent, answer);
    return true;
  }

  #complain(text: string): void {
    this.#setting.findings.add(`${this.name}: ${text}`);
  }
}
