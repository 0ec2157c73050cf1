import type { JpushConfig } from "../config/config.ts";
import { type Answer, ask, cleaned } from "./answers.ts";
import { type Push, type PushMessage, PushRefusedError } from "./push.ts";

const TIMEOUT_MS = 5_000;
/** "No device fits": what JPush answers for an app that was removed. */
const NO_SUCH_DEVICE = 1011;

/** Bits of Android's `alert_type`. */
const AlertType = { sound: 1, vibration: 2, light: 4 } as const;

/**
 * Sends through JPush (`POST /v3/push`). JPush drops a repeated `cid` for a day, which is longer
 * than any message is tried again by itself. No error names a device or a key.
 */
export function jpush(
  config: JpushConfig,
  { timeoutMs = TIMEOUT_MS }: { timeoutMs?: number } = {},
): Push {
  const { appKey, masterSecret, endpoint } = config;
  const credentials = btoa(`${appKey}:${masterSecret}`);
  return {
    async send(message) {
      const secrets = [masterSecret, appKey, credentials, message.token];
      const answer = await ask(new URL("/v3/push", endpoint), {
        service: "JPush",
        timeoutMs,
        secrets,
        method: "POST",
        headers: { Authorization: `Basic ${credentials}`, "Content-Type": "application/json" },
        body: JSON.stringify(bodyOf(message, appKey)),
      });
      // A body that cannot be read does not undo that the message was taken.
      if (answer.status === 200) return;
      throw refusalOf(answer, secrets);
    },
  };
}

/** JPush wants cids to begin with the app's key. */
function bodyOf(message: PushMessage, appKey: string) {
  const { token, title, content, url, badge, sounds = true, vibrates = true, id } = message;
  const extras = { url };
  return {
    cid: `${appKey}-${id}`,
    platform: ["android", "ios"],
    audience: { registration_id: [token] },
    notification: {
      android: {
        alert: content,
        title,
        extras,
        alert_type: (sounds ? AlertType.sound : 0) + (vibrates ? AlertType.vibration : 0) +
          AlertType.light,
        badge_set_num: badge,
      },
      ios: { alert: { title, body: content }, sound: sounds ? "default" : "", badge, extras },
    },
    options: { apns_production: true },
  };
}

/** Too many calls (429) and faults of theirs may pass; any other refusal will not. */
function refusalOf({ status, json }: Answer, secrets: string[]): Error {
  const { code, message } = Object(json?.error) as { code?: unknown; message?: unknown };
  const said = code === undefined ? "" : `: ${code} ${message}`;
  const text = `JPush: ${cleaned(`answered HTTP ${status}${said}`, secrets)}`;
  const isFinal = status >= 400 && status < 500 && status !== 429;
  return isFinal ? new PushRefusedError(text, code === NO_SUCH_DEVICE) : new Error(text);
}
