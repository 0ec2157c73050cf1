import { z } from "zod";

export interface ProviderConfigs {
  jpush: JpushConfig | undefined;
  applePush: ApplePushConfig | undefined;
  wechat: WechatConfig | undefined;
  mixin: MixinConfig | undefined;
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

/** A key of Apple's developer account for pushes to phones; without, theirs go another way. */
export interface ApplePushConfig {
  /** PKCS #8 in PEM, as Apple's `.p8` file has it. */
  privateKey: string;
  keyId: string;
  teamId: string;
  /** The bundle id of the app, of clients that do not say theirs. */
  topic: string;
  endpoint: string;
}

/** An official account; without one nobody can log in to H5, and H5 answers 503. */
export interface WechatConfig {
  appId: string;
  appSecret: string;
  endpoint: string;
}

/** The Mixin app operators log in with; bots of groups have keystores of their own. */
export interface MixinConfig {
  clientId: string;
  clientSecret: string;
  endpoint: string;
}

export interface AgoraConfig {
  appId: string;
  appCertificate: string;
  /** Of Agora's REST API, which says who is in a channel; absent: nobody is asked. */
  customer?: { id: string; secret: string } | undefined;
}

export const text = z.string().min(1).optional();

export const providerVariables = {
  ALIYUN_SMS_ACCESS_KEY_ID: text,
  ALIYUN_SMS_ACCESS_KEY_SECRET: text,
  ALIYUN_SMS_SIGN_NAME: text,
  ALIYUN_SMS_TEMPLATE_CODE: text,
  ALIYUN_SMS_ENDPOINT: z.url().default("https://dysmsapi.aliyuncs.com"),
  AGORA_APP_ID: z.string().regex(/^[0-9a-f]{32}$/i, "must be 32 hex digits").optional(),
  AGORA_APP_CERTIFICATE: z.string().regex(/^[0-9a-f]{32}$/i, "must be 32 hex digits").optional(),
  AGORA_CUSTOMER_ID: text,
  AGORA_CUSTOMER_SECRET: text,
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
  APPLE_PUSH_KEY: z.string()
    // One line of a file of variables, or of a form.
    .transform((pem) => pem.replaceAll("\\n", "\n").trim())
    .refine((pem) => /^-----BEGIN PRIVATE KEY-----[^-]+-----END PRIVATE KEY-----$/.test(pem), {
      message: "must be what Apple's .p8 file says",
    }).optional(),
  APPLE_PUSH_KEY_ID: text,
  APPLE_PUSH_TEAM_ID: text,
  APPLE_PUSH_TOPIC: text,
  APPLE_PUSH_ENDPOINT: z.url().default("https://api.push.apple.com"),
  WECHAT_APP_ID: text,
  WECHAT_APP_SECRET: text,
  WECHAT_ENDPOINT: z.url().default("https://api.weixin.qq.com"),
  MIXIN_CLIENT_ID: z.uuid().optional(),
  MIXIN_CLIENT_SECRET: text,
  MIXIN_ENDPOINT: z.url().transform((url) => url.replace(/\/+$/, ""))
    .default("https://api.mixin.one"),
};
type Variables = z.infer<z.ZodObject<typeof providerVariables>>;

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
const AGORA_CUSTOMER = ["AGORA_CUSTOMER_ID", "AGORA_CUSTOMER_SECRET"] as const;
const JPUSH = ["JPUSH_APP_KEY", "JPUSH_MASTER_SECRET"] as const;
const APPLE_PUSH = [
  "APPLE_PUSH_KEY",
  "APPLE_PUSH_KEY_ID",
  "APPLE_PUSH_TEAM_ID",
  "APPLE_PUSH_TOPIC",
] as const;
const MIXIN = ["MIXIN_CLIENT_ID", "MIXIN_CLIENT_SECRET"] as const;
const WECHAT = ["WECHAT_APP_ID", "WECHAT_APP_SECRET"] as const;

/** Groups of variables of which production needs each; elsewhere they come together or not at all. */
export const neededInProduction = [ALIYUN_SMS, ALIYUN_OSS, AGORA, JPUSH, MIXIN] as const;
/** Groups that come together or not at all, in production as well. */
export const optionalInProduction = [WECHAT, APPLE_PUSH, AGORA_CUSTOMER] as const;

export function providerConfigsOf(env: Variables): ProviderConfigs {
  return {
    aliyunSms: aliyunSmsOf(env),
    agora: agoraOf(env),
    aliyunOss: aliyunOssOf(env),
    jpush: jpushOf(env),
    applePush: applePushOf(env),
    wechat: wechatOf(env),
    mixin: mixinOf(env),
  };
}

function aliyunSmsOf(env: Variables): AliyunSmsConfig | undefined {
  if (env.ALIYUN_SMS_ACCESS_KEY_ID === undefined) return undefined;
  return {
    accessKeyId: env.ALIYUN_SMS_ACCESS_KEY_ID,
    accessKeySecret: env.ALIYUN_SMS_ACCESS_KEY_SECRET!,
    signName: env.ALIYUN_SMS_SIGN_NAME!,
    templateCode: env.ALIYUN_SMS_TEMPLATE_CODE!,
    endpoint: env.ALIYUN_SMS_ENDPOINT,
  };
}

function agoraOf(env: Variables): AgoraConfig | undefined {
  if (env.AGORA_APP_ID === undefined) return undefined;
  return {
    appId: env.AGORA_APP_ID,
    appCertificate: env.AGORA_APP_CERTIFICATE!,
    customer: env.AGORA_CUSTOMER_ID === undefined
      ? undefined
      : { id: env.AGORA_CUSTOMER_ID, secret: env.AGORA_CUSTOMER_SECRET! },
  };
}

function aliyunOssOf(env: Variables): AliyunOssConfig | undefined {
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

function jpushOf(env: Variables): JpushConfig | undefined {
  if (env.JPUSH_APP_KEY === undefined) return undefined;
  return {
    appKey: env.JPUSH_APP_KEY,
    masterSecret: env.JPUSH_MASTER_SECRET!,
    endpoint: env.JPUSH_ENDPOINT,
  };
}

function applePushOf(env: Variables): ApplePushConfig | undefined {
  if (env.APPLE_PUSH_KEY === undefined) return undefined;
  return {
    privateKey: env.APPLE_PUSH_KEY,
    keyId: env.APPLE_PUSH_KEY_ID!,
    teamId: env.APPLE_PUSH_TEAM_ID!,
    topic: env.APPLE_PUSH_TOPIC!,
    endpoint: env.APPLE_PUSH_ENDPOINT,
  };
}

function wechatOf(env: Variables): WechatConfig | undefined {
  if (env.WECHAT_APP_ID === undefined) return undefined;
  return {
    appId: env.WECHAT_APP_ID,
    appSecret: env.WECHAT_APP_SECRET!,
    endpoint: env.WECHAT_ENDPOINT,
  };
}

function mixinOf(env: Variables): MixinConfig | undefined {
  if (env.MIXIN_CLIENT_ID === undefined) return undefined;
  return {
    clientId: env.MIXIN_CLIENT_ID.toLowerCase(),
    clientSecret: env.MIXIN_CLIENT_SECRET!,
    endpoint: env.MIXIN_ENDPOINT,
  };
}
