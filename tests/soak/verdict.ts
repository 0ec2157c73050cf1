import type { Incoming } from "./client_codecs.ts";
import type { Device } from "./device.ts";
import type { Findings } from "./findings.ts";
import type { Ledger } from "./ledger.ts";
import { changeOf } from "./seen_inbox.ts";

export interface Account {
  /** Whose account it is, in words. */
  name: string;
  person: number;
  /** What they have, by number. */
  messages: ReadonlyMap<number, Incoming>;
  /** Where the server says messages are, by their senders' names for them. */
  seqs?: ReadonlyMap<string, number>;
}

/**
 * Compares one account of an inbox with what the model says it must hold: nothing is missing,
 * nothing is there twice or by mistake, every message is as it was sent, the numbers are 1, 2, 3…,
 * and what one client said in one channel is in the order it was said in.
 */
export function judge(account: Account, ledger: Ledger, findings: Findings): void {
  const { name, person } = account;
  const expected = ledger.expectedOf(person);
  const seqs = new Map<string, number>();
  const ordered = [...account.messages.values()].sort((a, b) => a.seq - b.seq);
  for (const [at, message] of ordered.entries()) {
    const { seq, clientMsgNo } = message;
    const place = `${name}: ${clientMsgNo} (id ${message.messageId}, seq ${seq})`;
    const before = at === 0 ? 0 : ordered[at - 1]!.seq;
    if (seq !== before + 1) findings.add(`${name}: there is nothing between ${before} and ${seq}`);
    if (seqs.has(clientMsgNo)) {
      findings.add(`${place} DOUBLED: seq ${seqs.get(clientMsgNo)} as well`);
    }
    seqs.set(clientMsgNo, seq);
    const sent = expected.get(clientMsgNo);
    const change = sent && changeOf(sent, message);
    // Where its sender was not told the id, all who receive it must still have the same.
    const entry = ledger.sentAs(clientMsgNo);
    if (entry) entry.messageId ||= message.messageId;
    if (!sent) findings.add(`${place} is not for them, or was never accepted`);
    else if (change) findings.add(`${place} CHANGED: ${change}`);
  }
  for (const [clientMsgNo, { messageId, fromUid, channelId }] of expected) {
    if (seqs.has(clientMsgNo)) continue;
    const sender = ledger.cast.people.findIndex(({ uid }) => uid === fromUid);
    const seq = account.seqs?.get(clientMsgNo) ?? "nowhere";
    findings.add(
      `${name}: LOST ${clientMsgNo} (id ${messageId}, seq ${seq}) of person ${sender} ` +
        `in channel ${channelId}`,
    );
  }
  checkOrder(name, ordered, { ledger, findings });
}

function checkOrder(
  name: string,
  ordered: Incoming[],
  { ledger, findings }: { ledger: Ledger; findings: Findings },
): void {
  const lastSteps = new Map<string, number>();
  for (const { clientMsgNo, channelId, seq } of ordered) {
    const sent = ledger.sentAs(clientMsgNo);
    if (!sent || sent.isOutOfLine) continue;
    const line = `${sent.device} ${channelId}`;
    const last = lastSteps.get(line) ?? -1;
    if (sent.step < last) {
      findings.add(`${name}: ${clientMsgNo} (seq ${seq}) comes after ${sent.device}-${last}`);
    }
    lastSteps.set(line, Math.max(last, sent.step));
  }
}

/**
 * What pushes passed over on a connection was sent by the client itself: anything else it only got
 * because its connection broke.
 */
export function judgePushes(
  { name, number, client: { watches } }: Device,
  messages: ReadonlyMap<number, Incoming>,
  { ledger, findings }: { ledger: Ledger; findings: Findings },
): void {
  for (const seq of watches.flatMap(({ skipped }) => [...skipped])) {
    const message = messages.get(seq);
    const sent = message && ledger.sentAs(message.clientMsgNo);
    if (sent?.device === number) continue;
    findings.add(`${name}: seq ${seq} (${message?.clientMsgNo ?? "LOST"}) was never pushed`);
  }
}
