import { type Incoming, nameOf, textOfBase64 } from "./client_codecs.ts";

const REQUEST_TIMEOUT_MS = 15_000;
/** How often a page is asked for while the server cannot, and the longest wait in between, ms. */
const TRIES_MAX = 40;
const WAIT_MS_MAX = 1_000;
/** A client that asks too often asks again; nothing else that is its own fault is a passing one. */
const TOO_OFTEN = 429;

export interface SyncOptions {
  /** Asked anew for each try. */
  httpUrl: () => string;
  token: string;
  /** Only what came after this number. */
  afterSeq: number;
  pageCount: number;
}

/**
 * Fetches an inbox by `POST /message/sync` as a client does: page after page until one is short.
 *
 * @throws {Error} when the server refuses, or cannot for too long
 */
export async function* synchronize(
  { httpUrl, token, afterSeq, pageCount }: SyncOptions,
): AsyncGenerator<Incoming> {
  for (let after = afterSeq;;) {
    const rows = await fetchPage({
      httpUrl,
      token,
      body: { max_message_seq: after, limit: pageCount },
    });
    for (const row of rows) {
      const payload = textOfBase64(row.payload);
      yield {
        messageId: row.message_id,
        seq: row.message_seq,
        fromUid: row.from_uid,
        channelId: row.channel_id,
        channelType: row.channel_type,
        clientMsgNo: nameOf({ clientMsgNo: row.client_msg_no, payload }),
        payload,
      };
    }
    if (rows.length < pageCount) return;
    after = rows.at(-1)!.message_seq;
  }
}

async function fetchPage(
  { httpUrl, token, body }: { httpUrl: () => string; token: string; body: unknown },
  // deno-lint-ignore no-explicit-any -- the contract's own fields
): Promise<any[]> {
  let failure = "";
  for (let attempt = 1; attempt <= TRIES_MAX; attempt++) {
    const response = await fetch(`${httpUrl()}/message/sync`, {
      method: "POST",
      headers: { token, "Content-Type": "application/json" },
      body: JSON.stringify(body),
      signal: AbortSignal.timeout(REQUEST_TIMEOUT_MS),
    }).catch((error) => void (failure = String(error)));
    if (response?.ok) return await response.json();
    if (response) failure = `${response.status} ${await response.text()}`;
    if (response && response.status < 500 && response.status !== TOO_OFTEN) break;
    const waitMs = Math.min(WAIT_MS_MAX, 20 * 2 ** attempt) * Math.random();
    await new Promise((resolve) => setTimeout(resolve, waitMs));
  }
  throw new Error(`/message/sync: ${failure}`);
}
