import { z } from "zod";
import { deriveKeys, type Keys, type KeySource } from "./keys.ts";
import {
  neededInProduction,
  optionalInProduction,
  type ProviderConfigs,
  providerConfigsOf,
  providerVariables,
  text,
} from "./provider_config.ts";
import { isNetwork } from "./runtime/address.ts";
import { storeVariables } from "./store_config.ts";

export type * from "./provider_config.ts";

export interface Config extends ProviderConfigs {
  env: "development" | "production";
  host: string;
  port: number;
  dataDir: string;
  databaseUrl: string | undefined;
  /** Whether statements stay prepared on their connections. */
  preparesStatements: boolean;
  redis:
    | { kind: "memory" }
    | { kind: "tcp"; url: string }
    | { kind: "upstash"; url: string; token: string };
  keys: Keys;
  /** The address clients reach us at, without a trailing slash; absent: the request's own. */
  publicUrl: string | undefined;
  /** Where chat sockets are opened, `ws://` or `wss://`; absent: `/ws` at our own address. */
  publicWsUrl: string | undefined;
  /** Where native chat clients connect over TCP; absent: they cannot. */
  tcp: { port: number; publicAddress: string | undefined } | undefined;
  /** Whether the chat app registers people by a name of their own, without a phone. */
  chatUsernameRegistration: boolean;
  /** Whether people of the chat app bring only friends into groups, also into those that are there. */
  groupAddFriendsOnly: boolean;
  /** Who says that money paid in has arrived: an operator, or, at a door of development, nobody. */
  rechargeChannel: "development" | "manual";
  /** Calling codes SMS codes are sent to; absent: 86 in production, any elsewhere. */
  smsCountries: readonly string[] | undefined;
  /** SMS codes within an hour, to everybody together. */
  smsPerHour: number;
  /** Absent: the doors of development are shut to everybody. */
  devDoors: DevDoors | undefined;
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
  /** What links into the gateway's apps begin with, without `://`. */
  appScheme: string;
  /** Which of the platform's deployments this is; absent where there is only one. */
  timeline: string | undefined;
}

export interface DevDoors {
  /** Networks that may come to the doors, besides this machine itself. */
  from: readonly string[];
}

export class ConfigError extends Error {
  override name = "ConfigError";
}

/** Fewer make a key that looks long and is guessed at once. */
const KEY_CHARACTERS_MIN = 10;

const count = (fallback: number) => z.coerce.number().int().min(0).default(fallback);

/** `86,852` or `+86 +852`. */
const callingCodes = z.string().transform((text) =>
  text.split(/[\s,]+/).filter(Boolean).map((code) => code.replace(/^(\+|00)/, ""))
).pipe(z.array(z.string().regex(/^[1-9]\d{0,3}$/, "must be calling codes, such as 86,852")).min(1));
const networks = z.string().transform((text) => text.split(/[\s,]+/).filter((it) => it !== ""))
  .refine(
    (them) => them.every(isNetwork),
    "must be networks such as 172.16.0.0/12, with commas between them",
  ).default([]);

const Environment = z.object({
  APP_ENV: z.enum(["development", "production"]).optional(),
  HOST: text,
  PORT: z.coerce.number().int().min(0).max(65535).default(8000),
  DATA_DIR: z.string().default(".data"),
  ...storeVariables,
  UPSTASH_REDIS_REST_TOKEN: text,
  PREPARED_STATEMENTS: z.enum(["0", "1"]).default("1").transform((on) => on === "1"),
  SECRET_KEY: z.string().min(32).optional(),
  SECRET_KEY_PREVIOUS: z.string().min(32).optional(),
  DATA_KEYS: text,
  PUBLIC_URL: z.url().transform((url) => url.replace(/\/+$/, "")).optional(),
  PUBLIC_WS_URL: z.url({ protocol: /^wss?$/ }).optional(),
  TCP_PORT: z.coerce.number().int().min(1).max(65535).optional(),
  PUBLIC_TCP_ADDR: z.string().regex(/^\S+:\d{1,5}$/, "must be host:port").optional(),
  CHAT_USERNAME_REGISTRATION: z.enum(["0", "1"]).default("0").transform((on) => on === "1"),
  GROUP_ADD_FRIENDS_ONLY: z.enum(["0", "1"]).default("0").transform((on) => on === "1"),
  RECHARGE_CHANNEL: z.enum(["development", "manual"]).optional(),
  SMS_COUNTRIES: callingCodes.optional(),
  SMS_PER_HOUR: z.coerce.number().int().min(1).default(2_000),
  DEV_DOORS: z.enum(["0", "1"]).optional(),
  DEV_DOORS_FROM: networks,
  TRUSTED_PROXY_COUNT: count(0),
  SIGN_WINDOW_MS: count(24 * 60 * 60 * 1_000),
  DUPLICATE_WINDOW_MS: count(500),
  RATE_FACTOR: z.coerce.number().min(0).default(1),
  GATEWAY_DEFAULT_SECRET: z.string().min(1).default("Hx!0k!K}5E.]EoP"),
  H5_URL: z.url().transform((url) => url.replace(/\/+$/, "")).optional(),
  APP_SCHEME: z.string().regex(/^[a-z][a-z0-9+.-]*$/i, "must be letters, digits, + - .")
    .default("chaoqer"),
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
  // Code compiled for what is parsed once would only cost.
  const parsed = Environment.safeParse(given, { jitless: true });
  if (!parsed.success) {
    const faults = parsed.error.issues.map((issue) => `${issue.path.join(".")}: ${issue.message}`);
    throw new ConfigError(faults.join("; "));
  }
  const env = parsed.data;
  refuseUnfit(env);
  const isProduction = env.APP_ENV === "production";
  const devDoors = devDoorsOf(env);
  return {
    env: env.APP_ENV ?? "development",
    host: env.HOST ?? (isProduction ? "0.0.0.0" : "127.0.0.1"),
    port: env.PORT,
    dataDir: env.DATA_DIR,
    databaseUrl: env.DATABASE_URL,
    preparesStatements: env.PREPARED_STATEMENTS,
    redis: redisOf(env),
    keys: keysOf({
      secretKey: env.SECRET_KEY ?? keptKeys(env.DATA_DIR).secretKey,
      secretKeyPrevious: env.SECRET_KEY_PREVIOUS,
      dataKeys: env.DATA_KEYS,
    }),
    publicUrl: env.PUBLIC_URL,
    publicWsUrl: env.PUBLIC_WS_URL,
    tcp: env.TCP_PORT === undefined
      ? undefined
      : { port: env.TCP_PORT, publicAddress: env.PUBLIC_TCP_ADDR },
    chatUsernameRegistration: env.CHAT_USERNAME_REGISTRATION,
    groupAddFriendsOnly: env.GROUP_ADD_FRIENDS_ONLY,
    rechargeChannel: env.RECHARGE_CHANNEL ?? (devDoors ? "development" : "manual"),
    smsCountries: env.SMS_COUNTRIES,
    smsPerHour: env.SMS_PER_HOUR,
    devDoors,
    trustedProxyCount: env.TRUSTED_PROXY_COUNT,
    signWindowMs: env.SIGN_WINDOW_MS,
    duplicateWindowMs: env.DUPLICATE_WINDOW_MS,
    rateFactor: env.RATE_FACTOR,
    gatewayDefaultSecret: env.GATEWAY_DEFAULT_SECRET,
    h5Url: env.H5_URL,
    appScheme: env.APP_SCHEME,
    timeline: env.DENO_TIMELINE,
    ...providerConfigsOf(env),
  };
}

/** Open where there is nobody's data, or where somebody says so. */
function devDoorsOf(env: Environment): DevDoors | undefined {
  const isEmbedded = env.DATABASE_URL === undefined;
  const isOpen = isEmbedded ? env.DEV_DOORS !== "0" : env.DEV_DOORS === "1";
  return isOpen && env.APP_ENV !== "production" ? { from: env.DEV_DOORS_FROM } : undefined;
}

function keysOf(source: KeySource): Keys {
  try {
    return deriveKeys(source);
  } catch (cause) {
    throw new ConfigError((cause as Error).message, { cause });
  }
}

function refuseUnfit(env: Environment) {
  if (env.DATABASE_URL !== undefined && env.APP_ENV === undefined) {
    throw new ConfigError(
      "DATABASE_URL without APP_ENV: set APP_ENV=production, or APP_ENV=development for a " +
        "database that strangers' data is not in",
    );
  }
  const faults = env.APP_ENV === "production" ? unfitForProduction(env) : [];
  const missing = missingOf(env);
  if (missing.length > 0) faults.unshift(`missing: ${missing.join(", ")}`);
  if (faults.length > 0) throw new ConfigError(faults.join("; "));
}

function unfitForProduction(env: Environment): string[] {
  const faults: string[] = [];
  if (env.SECRET_KEY !== undefined && new Set(env.SECRET_KEY).size < KEY_CHARACTERS_MIN) {
    faults.push(
      `SECRET_KEY has fewer than ${KEY_CHARACTERS_MIN} different characters: ` +
        "make one with openssl rand -hex 32",
    );
  }
  if (env.DEV_DOORS === "1") faults.push("DEV_DOORS=1 is for development: leave it out");
  return faults;
}

function missingOf(env: Environment): string[] {
  const missing: string[] = [];
  const isProduction = env.APP_ENV === "production";
  if (isProduction) {
    const needed = ["DATABASE_URL", "SECRET_KEY", "PUBLIC_URL"] as const;
    const providers = neededInProduction.flat();
    missing.push(...[...needed, ...providers].filter((name) => env[name] === undefined));
    // Money that nobody has paid is for trying things out.
    if (env.RECHARGE_CHANNEL === "development") missing.push("RECHARGE_CHANNEL=manual");
    if (!env.REDIS_URL && !env.UPSTASH_REDIS_REST_URL) {
      missing.push("UPSTASH_REDIS_REST_URL (or REDIS_URL)");
    }
  }
  const optional = isProduction
    ? optionalInProduction
    : [...neededInProduction, ...optionalInProduction];
  for (const group of optional) {
    if (group.every((name) => env[name] === undefined)) continue;
    missing.push(...group.filter((name) => env[name] === undefined));
  }
  if (env.UPSTASH_REDIS_REST_URL && !env.UPSTASH_REDIS_REST_TOKEN) {
    missing.push("UPSTASH_REDIS_REST_TOKEN");
  }
  if (env.AGORA_CUSTOMER_ID && env.AGORA_APP_ID === undefined) missing.push("AGORA_APP_ID");
  if (env.PUBLIC_TCP_ADDR && env.TCP_PORT === undefined) missing.push("TCP_PORT");
  return missing;
}

function redisOf(env: Environment): Config["redis"] {
  if (env.UPSTASH_REDIS_REST_URL) {
    const { UPSTASH_REDIS_REST_URL: url, UPSTASH_REDIS_REST_TOKEN: token } = env;
    return { kind: "upstash", url, token: token! };
  }
  return env.REDIS_URL ? { kind: "tcp", url: env.REDIS_URL } : { kind: "memory" };
}
