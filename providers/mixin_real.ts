import type { MixinConfig } from "../config/config.ts";
import { DeadlineError, withDeadline } from "../config/runtime/deadline.ts";
import { lazy } from "../config/runtime/lazy.ts";
import { cleaned, parseObject } from "./answers.ts";
import { type Mixin, type MixinBot, type MixinMessage, MixinRefusedError } from "./mixin.ts";

/** One call, and all calls of a login, may take this long, ms. */
const CALL_TIMEOUT_MS = 3_500;
/** Answers of the calls made here are a few hundred bytes. */
const ANSWER_BYTES_MAX = 64 * 1024;
const TEXT_LENGTH_MAX = 200;
const UUID = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;

const loadSdk = () => import("@mixin.dev/mixin-node-sdk");
type Sdk = Awaited<ReturnType<typeof loadSdk>>;
type Keystore = NonNullable<NonNullable<Parameters<Sdk["MixinApi"]>[0]>["keystore"]>;

/**
 * Mixin's API over its own SDK, which signs each call. It goes to one address, follows no
 * redirection, and tries nothing twice. No error names a secret, a code or a key.
 */
export function realMixin(
  config: MixinConfig,
  { timeoutMs = CALL_TIMEOUT_MS }: { timeoutMs?: number } = {},
): Mixin {
  lazy(loadSdk);
  /** The SDK passes what it is given on to axios, also what its own type does not name. */
  const requestConfig = {
    baseURL: config.endpoint,
    timeout: timeoutMs,
    // 0 would be taken for the SDK's default of five.
    retry: -1,
    maxRedirects: 0,
    maxContentLength: ANSWER_BYTES_MAX,
    // The SDK takes whatever is no JSON for a success.
    transformResponse: [objectOf],
  };

  async function call<T>(secrets: string[], run: (sdk: Sdk) => Promise<T>): Promise<T> {
    const sdk = await loadSdk();
    try {
      return await withDeadline("Mixin", timeoutMs, () => run(sdk));
    } catch (error) {
      throw failureOf(error, secrets);
    }
  }
  const apiOf = ({ MixinApi }: Sdk, keystore?: Keystore) =>
    MixinApi({ requestConfig, ...keystore && { keystore } });

  return {
    async exchangeCode(code) {
      const { clientId, clientSecret } = config;
      return await call([code, clientSecret], async (sdk) => {
        const { seed, publicKey } = sdk.getED25519KeyPair();
        const granted = await apiOf(sdk).oauth.getToken({
          client_id: clientId,
          client_secret: clientSecret,
          code,
          ed25519: sdk.base64RawURLEncode(publicKey),
        });
        const user = await apiOf(sdk, {
          app_id: clientId,
          scope: textOf(granted?.scope),
          authorization_id: uuidOf(granted?.authorization_id),
          session_private_key: Buffer.from(seed).toString("hex"),
        }).user.profile();
        return { userId: uuidOf(user?.user_id), name: textOf(user?.full_name) };
      });
    },
    async sendMessages(bot, messages) {
      const keystore = keystoreOf(bot);
      await call([keystore.session_private_key], async (sdk) => {
        await apiOf(sdk, keystore).message.sendBatch(wireMessages(sdk, bot, messages));
      });
    },
  };
}

function wireMessages(
  { uniqueConversationID, base64RawURLEncode }: Sdk,
  { clientId }: MixinBot,
  messages: MixinMessage[],
) {
  return messages.map(({ id, to, text }) => ({
    conversation_id: uniqueConversationID(clientId, to),
    recipient_id: to,
    message_id: id,
    category: "PLAIN_TEXT" as const,
    data_base64: base64RawURLEncode(Buffer.from(text)),
  }));
}

/** Checked here: with a keystore that is no good the SDK sends calls without a signature. */
function keystoreOf({ clientId, keystore }: MixinBot) {
  const { app_id, session_id, session_private_key, server_public_key } = parseObject(keystore) ??
    {};
  const isGood = app_id === clientId && UUID.test(clientId) && UUID.test(String(session_id)) &&
    /^[0-9a-f]{64}$/i.test(String(session_private_key));
  if (!isGood) throw new MixinRefusedError("Mixin: the group's keystore is not usable");
  return {
    app_id: clientId,
    session_id: String(session_id),
    session_private_key: String(session_private_key),
    server_public_key: String(server_public_key ?? ""),
  };
}

function objectOf(body: unknown): unknown {
  const json = parseObject(String(body));
  if (!json) throw new Error("answered in an unknown form");
  return json;
}

function textOf(value: unknown): string {
  if (typeof value === "string" && value.length <= 1_024) return value;
  throw new Error("answered without what was asked for");
}

function uuidOf(value: unknown): string {
  if (typeof value === "string" && UUID.test(value)) return value.toLowerCase();
  throw new Error("answered without what was asked for");
}

interface SdkFailure {
  name?: string;
  message?: string;
  /** Mixin's own code: in a `ResponseError`. */
  code?: unknown;
  description?: string;
  /** HTTP status of an answer that was none of Mixin's. */
  response?: { status: number };
}

/** Too many calls (429) and faults of theirs (500, 7000 and on) may pass; another refusal will not. */
function failureOf(error: unknown, secrets: string[]): Error {
  if (error instanceof MixinRefusedError || error instanceof DeadlineError) return error;
  const { code, description, response, message } = Object(error) as SdkFailure;
  const said = description === undefined
    ? response ? `answered HTTP ${response.status}` : message ?? String(error)
    : `refused: ${code} ${description}`;
  const text = `Mixin: ${cleaned(said, secrets)}`.slice(0, TEXT_LENGTH_MAX);
  const status = description === undefined ? response?.status : Number(code);
  return isFinal(status) ? new MixinRefusedError(text) : new Error(text);
}

function isFinal(status: number | undefined): boolean {
  if (status === undefined || Number.isNaN(status) || status === 429 || status === 408) {
    return false;
  }
  return status >= 400 && status < 500 || status >= 10_000;
}
