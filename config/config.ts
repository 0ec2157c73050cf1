import { z } from "zod";
import { deriveKeys, type Keys } from "./keys.ts";
import {
  neededInProduction,
  optionalInProduction,
  type ProviderConfigs,
  providerConfigsOf,
  providerVariables,
  text,
} from "./provider_config.ts";

export type * from "./provider_config.ts";

export interface Config extends ProviderConfigs {
  env: "development" | "production";
  host: string;
  port: number;
  dataDir: string;
  databaseUrl: string | undefined;
  redis:
    | { kind: "memory" }
    | { kind: "tcp"; url: string }
    | { kind: "upstash"; url: string; token: string };
  keys: Keys;
  /** The address clients reach us at, without a trailing slash; absent: the request's own. */
  publicUrl: string | undefined;
  /** Where chat sockets are opened, `ws://` or `wss://`; absent: `/ws` at our own address. */
  publicWsUrl: string | undefined;
  /** Whether the chat app registers people by a name of their own, without a phone. */
  chatUsernameRegistration: boolean;
  /** Who says that money paid in has arrived: an operator, or nobody at all while developing. */
  rechargeChannel: "development" | "manual";
  /** Calling codes SMS codes are sent to; absent: 86 in production, any elsewhere. */
  smsCountries: readonly string[] | undefined;
  /** SMS codes within an hour, to everybody together. */
  smsPerHour: number;
  /** How many proxies in front of us append to `X-Forwarded-For`; 0 trusts none. */
  trustedProxyCount: number;
  /** How far a signed call's `ts` may be from our clock, ms. */
  signWindowMs: number;
  /** How long the same call by the same caller counts as a repetition, ms. */
  duplicateWindowMs: number;
  /** Multiplies every request rate; 0 switches request rates off. */
  rateFactor: number;
  /** Signs gateway calls made before login (contract, 客户端公共参数). */
  gatewayDefaultSecret: string;
  /** Where the H5 pages live, if not at `publicUrl`; without a trailing slash. */
  h5Url: string | undefined;
  /** Which of the platform's deployments this is; absent where there is only one. */
  timeline: string | undefined;
}

export class ConfigError extends Error {
  override name = "ConfigError";
}

const count = (fallback: number) => z.coerce.number().int().min(0).default(fallback);

/** `86,852` or `+86 +852`. */
const callingCodes = z.string().transform((text) =>
  text.split(/[\s,]+/).filter(Boolean).map((code) => code.replace(/^(\+|00)/, ""))
).pipe(z.array(z.string().regex(/^[1-9]\d{0,3}$/, "must be calling codes, such as 86,852")).min(1));

const Environment = z.object({
  APP_ENV: z.enum(["development", "production"]).default("development"),
  HOST: z.string().default("0.0.0.0"),
  PORT: z.coerce.number().int().min(0).max(65535).default(8000),
  DATA_DIR: z.string().default(".data"),
  DATABASE_URL: text,
  REDIS_URL: text,
  UPSTASH_REDIS_REST_URL: text,
  UPSTASH_REDIS_REST_TOKEN: text,
  SECRET_KEY: z.string().min(32).optional(),
  SECRET_KEY_PREVIOUS: z.string().min(32).optional(),
  DATA_KEYS: text,
  PUBLIC_URL: z.url().transform((url) => url.replace(/\/+$/, "")).optional(),
  PUBLIC_WS_URL: z.url({ protocol: /^wss?$/ }).optional(),
  CHAT_USERNAME_REGISTRATION: z.enum(["0", "1"]).default("0").transform((on) => on === "1"),
  RECHARGE_CHANNEL: z.enum(["development", "manual"]).optional(),
  SMS_COUNTRIES: callingCodes.optional(),
  SMS_PER_HOUR: z.coerce.number().int().min(1).default(2_000),
  TRUSTED_PROXY_COUNT: count(0),
  SIGN_WINDOW_MS: count(600_000),
  DUPLICATE_WINDOW_MS: count(1_000),
  RATE_FACTOR: z.coerce.number().min(0).default(1),
  GATEWAY_DEFAULT_SECRET: z.string().min(1).default("Hx!0k!K}5E.]EoP"),
  H5_URL: z.url().transform((url) => url.replace(/\/+$/, "")).optional(),
  DENO_TIMELINE: text,
  ...providerVariables,
});
type Environment = z.infer<typeof Environment>;

/** Every variable there is; the documents list the same. */
export const variableNames: readonly string[] = Object.keys(Environment.shape);

export interface KeptKeys {
  secretKey: string;
}

/**
 * @param keptKeys asked only when `SECRET_KEY` is absent outside production
 * @throws {ConfigError} naming each wrong or missing variable
 */
export function readConfig(
  environment: Record<string, string>,
  keptKeys: (dataDir: string) => KeptKeys,
): Config {
  const given = Object.fromEntries(
    Object.entries(environment).filter(([, value]) => value !== ""),
  );
  const parsed = Environment.safeParse(given);
  if (!parsed.success) {
    const faults = parsed.error.issues.map((issue) => `${issue.path.join(".")}: ${issue.message}`);
    throw new ConfigError(faults.join("; "));
  }
  const env = parsed.data;
  refuseMissing(env);
  return {
    env: env.APP_ENV,
    host: env.HOST,
    port: env.PORT,
    dataDir: env.DATA_DIR,
    databaseUrl: env.DATABASE_URL,
    redis: redisOf(env),
    keys: deriveKeys({
      secretKey: env.SECRET_KEY ?? keptKeys(env.DATA_DIR).secretKey,
      secretKeyPrevious: env.SECRET_KEY_PREVIOUS,
      dataKeys: env.DATA_KEYS,
    }),
    publicUrl: env.PUBLIC_URL,
    publicWsUrl: env.PUBLIC_WS_URL,
    chatUsernameRegistration: env.CHAT_USERNAME_REGISTRATION,
    rechargeChannel: env.RECHARGE_CHANNEL ??
      (env.APP_ENV === "production" ? "manual" : "development"),
    smsCountries: env.SMS_COUNTRIES,
    smsPerHour: env.SMS_PER_HOUR,
    trustedProxyCount: env.TRUSTED_PROXY_COUNT,
    signWindowMs: env.SIGN_WINDOW_MS,
    duplicateWindowMs: env.DUPLICATE_WINDOW_MS,
    rateFactor: env.RATE_FACTOR,
    gatewayDefaultSecret: env.GATEWAY_DEFAULT_SECRET,
    h5Url: env.H5_URL,
    timeline: env.DENO_TIMELINE,
    ...providerConfigsOf(env),
  };
}

function refuseMissing(env: Environment) {
  const missing: string[] = [];
  if (env.APP_ENV === "production") {
    const needed = ["DATABASE_URL", "SECRET_KEY", ...neededInProduction.flat()] as const;
    missing.push(...needed.filter((name) => env[name] === undefined));
    // Money that nobody has paid is for trying things out.
    if (env.RECHARGE_CHANNEL === "development") missing.push("RECHARGE_CHANNEL=manual");
    if (!env.REDIS_URL && !env.UPSTASH_REDIS_REST_URL) {
      missing.push("UPSTASH_REDIS_REST_URL (or REDIS_URL)");
    }
  }
  const optional = env.APP_ENV === "production"
    ? optionalInProduction
    : [...neededInProduction, ...optionalInProduction];
  for (const group of optional) {
    if (group.every((name) => env[name] === undefined)) continue;
    missing.push(...group.filter((name) => env[name] === undefined));
  }
  if (env.UPSTASH_REDIS_REST_URL && !env.UPSTASH_REDIS_REST_TOKEN) {
    missing.push("UPSTASH_REDIS_REST_TOKEN");
  }
  if (missing.length > 0) throw new ConfigError(`missing: ${missing.join(", ")}`);
}

function redisOf(env: Environment): Config["redis"] {
  if (env.UPSTASH_REDIS_REST_URL) {
    const { UPSTASH_REDIS_REST_URL: url, UPSTASH_REDIS_REST_TOKEN: token } = env;
    return { kind: "upstash", url, token: token! };
  }
  return env.REDIS_URL ? { kind: "tcp", url: env.REDIS_URL } : { kind: "memory" };
}
