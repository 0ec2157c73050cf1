import { z } from "zod";
import { deriveKeys, type Keys } from "./keys.ts";

/** Everything that may differ between two installations; built once, in `main.ts`. */
export interface Config {
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
  jpush: JpushConfig | undefined;
  wechat: WechatConfig | undefined;
  aliyunSms: AliyunSmsConfig | undefined;
  agora: AgoraConfig | undefined;
  aliyunOss: AliyunOssConfig | undefined;
}

export interface AliyunSmsConfig {
  accessKeyId: string;
  accessKeySecret: string;
  signName: string;
  templateCode: string;
  endpoint: string;
}

export interface AliyunOssConfig {
  accessKeyId: string;
  accessKeySecret: string;
  /** Of temporary (STS) keys. */
  securityToken: string | undefined;
  bucket: string;
  /** A region's host: `oss-cn-shenzhen.aliyuncs.com`. */
  endpoint: string;
  /** Where uploaded files are read, without a trailing slash. */
  cdnUrl: string;
}

export interface JpushConfig {
  appKey: string;
  masterSecret: string;
  endpoint: string;
}

/** An official account; without one nobody can log in to H5, and H5 answers 503. */
export interface WechatConfig {
  appId: string;
  appSecret: string;
  endpoint: string;
}

export interface AgoraConfig {
  appId: string;
  appCertificate: string;
}

/** The environment does not describe an installation; `message` names every variable at fault. */
export class ConfigError extends Error {
  override name = "ConfigError";
}

const text = z.string().min(1).optional();
const count = (fallback: number) => z.coerce.number().int().min(0).default(fallback);

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
  TRUSTED_PROXY_COUNT: count(0),
  SIGN_WINDOW_MS: count(600_000),
  DUPLICATE_WINDOW_MS: count(1_000),
  RATE_FACTOR: z.coerce.number().min(0).default(1),
  GATEWAY_DEFAULT_SECRET: z.string().min(1).default("Hx!0k!K}5E.]EoP"),
  H5_URL: z.url().transform((url) => url.replace(/\/+$/, "")).optional(),
  DENO_TIMELINE: text,
  ALIYUN_SMS_ACCESS_KEY_ID: text,
  ALIYUN_SMS_ACCESS_KEY_SECRET: text,
  ALIYUN_SMS_SIGN_NAME: text,
  ALIYUN_SMS_TEMPLATE_CODE: text,
  ALIYUN_SMS_ENDPOINT: z.url().default("https://dysmsapi.aliyuncs.com"),
  AGORA_APP_ID: z.string().regex(/^[0-9a-f]{32}$/i, "must be 32 hex digits").optional(),
  AGORA_APP_CERTIFICATE: z.string().regex(/^[0-9a-f]{32}$/i, "must be 32 hex digits").optional(),
  ALIYUN_OSS_ACCESS_KEY_ID: text,
  ALIYUN_OSS_ACCESS_KEY_SECRET: text,
  ALIYUN_OSS_SECURITY_TOKEN: text,
  ALIYUN_OSS_BUCKET: z.string().regex(/^[a-z0-9][a-z0-9-]{1,61}[a-z0-9]$/).optional(),
  // Phones upload there: no internal host, and no accelerating one, which names no region.
  ALIYUN_OSS_ENDPOINT: z.string().regex(
    /^oss-(?!accelerate)[a-z0-9-]+(?<!-internal)\.aliyuncs\.com$/,
    "must be a region's public host such as oss-cn-shenzhen.aliyuncs.com",
  ).optional(),
  CDN_URL: z.url().transform((url) => url.replace(/\/+$/, "")).optional(),
  JPUSH_APP_KEY: text,
  JPUSH_MASTER_SECRET: text,
  JPUSH_ENDPOINT: z.url().default("https://api.jpush.cn"),
  WECHAT_APP_ID: text,
  WECHAT_APP_SECRET: text,
  WECHAT_ENDPOINT: z.url().default("https://api.weixin.qq.com"),
});
type Environment = z.infer<typeof Environment>;

/** Keys kept in `DATA_DIR` for installations that name none (never used in production). */
export interface KeptKeys {
  secretKey: string;
}

/**
 * Reads the environment once.
 *
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
    trustedProxyCount: env.TRUSTED_PROXY_COUNT,
    signWindowMs: env.SIGN_WINDOW_MS,
    duplicateWindowMs: env.DUPLICATE_WINDOW_MS,
    rateFactor: env.RATE_FACTOR,
    gatewayDefaultSecret: env.GATEWAY_DEFAULT_SECRET,
    h5Url: env.H5_URL,
    timeline: env.DENO_TIMELINE,
    aliyunSms: aliyunSmsOf(env),
    agora: agoraOf(env),
    aliyunOss: aliyunOssOf(env),
    jpush: jpushOf(env),
    wechat: wechatOf(env),
  };
}

const ALIYUN_SMS = [
  "ALIYUN_SMS_ACCESS_KEY_ID",
  "ALIYUN_SMS_ACCESS_KEY_SECRET",
  "ALIYUN_SMS_SIGN_NAME",
  "ALIYUN_SMS_TEMPLATE_CODE",
] as const;

const ALIYUN_OSS = [
  "ALIYUN_OSS_ACCESS_KEY_ID",
  "ALIYUN_OSS_ACCESS_KEY_SECRET",
  "ALIYUN_OSS_BUCKET",
  "ALIYUN_OSS_ENDPOINT",
  "CDN_URL",
] as const;

const AGORA = ["AGORA_APP_ID", "AGORA_APP_CERTIFICATE"] as const;
const JPUSH = ["JPUSH_APP_KEY", "JPUSH_MASTER_SECRET"] as const;
/** Optional in production as well: only H5 needs them. */
const WECHAT = ["WECHAT_APP_ID", "WECHAT_APP_SECRET"] as const;

/** What production cannot do without, and what is only half there in any environment. */
function refuseMissing(env: Environment) {
  const missing: string[] = [];
  if (env.APP_ENV === "production") {
    const needed = [
      ...["DATABASE_URL", "SECRET_KEY"] as const,
      ...[...ALIYUN_SMS, ...ALIYUN_OSS, ...AGORA, ...JPUSH],
    ];
    missing.push(...needed.filter((name) => env[name] === undefined));
    // Money that nobody has paid is for trying things out.
    if (env.RECHARGE_CHANNEL === "development") missing.push("RECHARGE_CHANNEL=manual");
    if (!env.REDIS_URL && !env.UPSTASH_REDIS_REST_URL) {
      missing.push("UPSTASH_REDIS_REST_URL (or REDIS_URL)");
    }
  }
  const optional = env.APP_ENV === "production"
    ? [WECHAT]
    : [ALIYUN_SMS, ALIYUN_OSS, AGORA, JPUSH, WECHAT];
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

function aliyunSmsOf(env: Environment): AliyunSmsConfig | undefined {
  if (env.ALIYUN_SMS_ACCESS_KEY_ID === undefined) return undefined;
  return {
    accessKeyId: env.ALIYUN_SMS_ACCESS_KEY_ID,
    accessKeySecret: env.ALIYUN_SMS_ACCESS_KEY_SECRET!,
    signName: env.ALIYUN_SMS_SIGN_NAME!,
    templateCode: env.ALIYUN_SMS_TEMPLATE_CODE!,
    endpoint: env.ALIYUN_SMS_ENDPOINT,
  };
}

function agoraOf(env: Environment): AgoraConfig | undefined {
  if (env.AGORA_APP_ID === undefined) return undefined;
  return { appId: env.AGORA_APP_ID, appCertificate: env.AGORA_APP_CERTIFICATE! };
}

function aliyunOssOf(env: Environment): AliyunOssConfig | undefined {
  if (env.ALIYUN_OSS_ACCESS_KEY_ID === undefined) return undefined;
  return {
    accessKeyId: env.ALIYUN_OSS_ACCESS_KEY_ID,
    accessKeySecret: env.ALIYUN_OSS_ACCESS_KEY_SECRET!,
    securityToken: env.ALIYUN_OSS_SECURITY_TOKEN,
    bucket: env.ALIYUN_OSS_BUCKET!,
    endpoint: env.ALIYUN_OSS_ENDPOINT!,
    cdnUrl: env.CDN_URL!,
  };
}

function jpushOf(env: Environment): JpushConfig | undefined {
  if (env.JPUSH_APP_KEY === undefined) return undefined;
  return {
    appKey: env.JPUSH_APP_KEY,
    masterSecret: env.JPUSH_MASTER_SECRET!,
    endpoint: env.JPUSH_ENDPOINT,
  };
}

function wechatOf(env: Environment): WechatConfig | undefined {
  if (env.WECHAT_APP_ID === undefined) return undefined;
  return {
    appId: env.WECHAT_APP_ID,
    appSecret: env.WECHAT_APP_SECRET!,
    endpoint: env.WECHAT_ENDPOINT,
  };
}
