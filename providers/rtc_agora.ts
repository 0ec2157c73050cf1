import type { AgoraConfig } from "../config/config.ts";
import { lazy } from "../config/runtime/lazy.ts";
import { type Answer, ask } from "./answers.ts";
import type { Rtc } from "./rtc.ts";

/** No user of the channel in particular: one token serves the whole room. */
const ANY_UID = 0;

const API_URL = "https://api.agora.io";
const TIMEOUT_MS = 3_000;
/** Ids of ten thousand users and more are listed one by one. */
const LIST_BYTES_MAX = 1024 * 1024;

const loadSdk = () => import("agora-token");

interface ApiOptions {
  apiUrl?: string;
  timeoutMs?: number;
}

/**
 * Tokens for Agora channels, in the form `007…` that current SDKs speak; made here, without a call
 * to anybody. Who is in a channel is asked of Agora's REST API, with a customer's id and secret.
 */
export function agoraRtc(
  { appId, appCertificate, customer }: AgoraConfig,
  { apiUrl = API_URL, timeoutMs = TIMEOUT_MS }: ApiOptions = {},
): Rtc {
  lazy(loadSdk);
  return {
    countUsers: customer && (async (channel) => {
      const credentials = btoa(`${customer.id}:${customer.secret}`);
      const answer = await ask(new URL(`/dev/v1/channel/user/${appId}/${channel}`, apiUrl), {
        service: "Agora",
        timeoutMs,
        secrets: [customer.id, customer.secret, credentials],
        bytesMax: LIST_BYTES_MAX,
        headers: { Authorization: `Basic ${credentials}` },
      });
      return countOf(answer);
    }),
    async buildToken(channel, lifeMs) {
      const { RtcRole, RtcTokenBuilder } = await loadSdk();
      const lifeSeconds = Math.floor(lifeMs / 1000);
      const token = RtcTokenBuilder.buildTokenWithUid(
        appId,
        appCertificate,
        channel,
        ANY_UID,
        RtcRole.PUBLISHER,
        lifeSeconds,
        lifeSeconds,
      );
      // How the package says that id or certificate cannot be right.
      if (!token) throw new Error("Agora: no token for these credentials");
      return token;
    },
  };
}

/** A channel where all may speak has `users`; one with hosts has `broadcasters` and `audience`. */
function countOf({ status, json }: Answer): number | undefined {
  const data = Object(json?.data) as Record<string, unknown>;
  if (status !== 200 || typeof data.channel_exist !== "boolean") {
    throw new Error(`Agora: answered HTTP ${status} without saying who is in the channel`);
  }
  if (!data.channel_exist) return undefined;
  if (Number.isInteger(data.total)) return data.total as number;
  const lengthOf = (list: unknown) => Array.isArray(list) ? list.length : 0;
  const audience = Number.isInteger(data.audience_total)
    ? data.audience_total as number
    : lengthOf(data.audience);
  return lengthOf(data.users) + lengthOf(data.broadcasters) + audience;
}
