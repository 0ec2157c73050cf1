import type { Answer } from "./client_codecs.ts";
import type { Connection } from "./connection.ts";
import type { Findings } from "./findings.ts";
import type { Ledger, Sent } from "./ledger.ts";
import type { DevicePlan, PlanSize } from "./plan.ts";
import type { PushWatch } from "./push_watch.ts";
import type { Inbox } from "./seen_inbox.ts";
import type { ServerProcess } from "./server_process.ts";

/** `device_flag` of a further page that is open besides. */
export const WEB = 1;

export interface ClientSetting {
  /** In words. */
  name: string;
  /** The device's place in the plan. */
  number: number;
  plan: DevicePlan;
  servers: ServerProcess[];
  perSecond: PlanSize["perSecond"];
  ledger: Ledger;
  findings: Findings;
}

/** One way to speak with the servers, and what was heard by it over all connections. */
export interface Client {
  readonly inbox: Inbox;
  /** Of every connection, where messages are pushed with their numbers. */
  readonly watches: readonly PushWatch[];
  /** A connection that has caught up; undefined when that did not work out. */
  open(server: number): Promise<Connection | undefined>;
  /** From another page of the same person, which keeps nothing of what it hears. */
  openAside(server: number): Promise<Connection | undefined>;
  /** One of its own was accepted. */
  learn(sent: Sent, answer: Answer): void;
}
