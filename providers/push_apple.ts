import type { ApplePushConfig } from "../config/config.ts";
import { lazy } from "../config/runtime/lazy.ts";
import { type Answer, ask, cleaned } from "./answers.ts";
import { type Push, type PushMessage, PushRefusedError } from "./push.ts";

const TIMEOUT_MS = 5_000;
/** Apple takes a provider's token for an hour, and wants no new one within twenty minutes. */
const TOKEN_LIFE_MS = 50 * 60_000;
/** How long Apple goes on trying to reach a device that is off, s. */
const KEPT_S = 24 * 60 * 60;

/** Answers to an app that was removed, or that never was on the device. */
const NO_SUCH_DEVICE = ["BadDeviceToken", "DeviceTokenNotForTopic", "ExpiredToken", "Unregistered"];
const STALE_TOKEN = "ExpiredProviderToken";

const loadJose = lazy(() => import("jose"));

/**
 * Sends through Apple (`POST /3/device/<token>`, over HTTP/2, which `fetch` agrees on with the
 * server). A device shows a message that comes again in the place of the first. No error names a
 * device or a key.
 */
export function applePush(
  config: ApplePushConfig,
  { timeoutMs = TIMEOUT_MS, nowMs = Date.now }: { timeoutMs?: number; nowMs?: () => number } = {},
): Push {
  let signed: { token: Promise<string>; atMs: number } | undefined;
  const tokenNow = () => {
    if (!signed || nowMs() - signed.atMs >= TOKEN_LIFE_MS) {
      signed = { token: signToken(config, nowMs()), atMs: nowMs() };
      // A key that cannot sign fails each message, not those alone that wait for this token.
      signed.token.catch(() => signed = undefined);
    }
    return signed.token;
  };
  return {
    async send(message) {
      const { token, id } = message;
      if (!/^[0-9a-f]+$/i.test(token)) {
        throw new PushRefusedError("Apple: no device token of Apple's", true);
      }
      const providerToken = await tokenNow();
      const secrets = [providerToken, token];
      const answer = await ask(new URL(`/3/device/${token}`, config.endpoint), {
        service: "Apple",
        timeoutMs,
        secrets,
        method: "POST",
        headers: {
          Authorization: `bearer ${providerToken}`,
          "apns-topic": message.bundleId || config.topic,
          "apns-push-type": "alert",
          "apns-priority": "10",
          "apns-expiration": String(Math.floor(nowMs() / 1000) + KEPT_S),
          "apns-id": id,
          "apns-collapse-id": id,
        },
        body: JSON.stringify(bodyOf(message)),
      });
      if (answer.status === 200) return;
      if (answer.json?.reason === STALE_TOKEN) signed = undefined;
      throw failureOf(answer, secrets);
    },
  };
}

async function signToken(
  { privateKey, keyId, teamId }: ApplePushConfig,
  nowMs: number,
): Promise<string> {
  const { importPKCS8, SignJWT } = await loadJose();
  return await new SignJWT().setProtectedHeader({ alg: "ES256", kid: keyId }).setIssuer(teamId)
    .setIssuedAt(Math.floor(nowMs / 1000)).sign(await importPKCS8(privateKey, "ES256"));
}

/** A phone vibrates with a sound or not at all, as its owner has set it. */
function bodyOf({ title, content, url, badge, sounds = true }: PushMessage) {
  return {
    aps: { alert: { title, body: content }, badge, ...sounds && { sound: "default" } },
    url,
  };
}

/** Too many calls (429), faults of theirs and an old token may pass; any other refusal will not. */
function failureOf({ status, json }: Answer, secrets: string[]): Error {
  const reason = typeof json?.reason === "string" ? json.reason : "";
  const said = cleaned(`answered HTTP ${status}${reason && `: ${reason}`}`, secrets);
  const isFinal = status >= 400 && status < 500 && status !== 429 && reason !== STALE_TOKEN;
  if (!isFinal) return new Error(`Apple: ${said}`);
  return new PushRefusedError(`Apple: ${said}`, NO_SUCH_DEVICE.includes(reason));
}
