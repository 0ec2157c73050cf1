import type { Config } from "../config/config.ts";
import type { LinkReader } from "./links.ts";
import type { Mixin } from "./mixin.ts";
import type { Outbox } from "./outbox.ts";
import type { Push } from "./push.ts";
import type { Rtc } from "./rtc.ts";
import type { Sms } from "./sms.ts";
import type { Storage } from "./storage.ts";
import type { DevelopmentStorage } from "./storage_development.ts";
import type { Wechat } from "./wechat.ts";

export interface Providers {
  sms: Sms;
  rtc: Rtc;
  push: Push;
  /** Absent without its credentials where no door of development stands in: H5 answers 503. */
  wechat: Wechat | undefined;
  mixin: Mixin;
  links: LinkReader;
  storage: Storage;
  outbox: Outbox | undefined;
  /** The storage if it is a folder of ours, so that we have to take the uploads ourselves. */
  uploads: DevelopmentStorage | undefined;
}

export async function openProviders(
  config: Pick<
    Config,
    | "env"
    | "devDoors"
    | "dataDir"
    | "aliyunSms"
    | "agora"
    | "aliyunOss"
    | "jpush"
    | "wechat"
    | "mixin"
  >,
): Promise<Providers> {
  const outbox = config.env === "production"
    ? undefined
    : new (await import("./outbox.ts")).Outbox();
  return {
    outbox,
    sms: await openSms(config, outbox),
    rtc: await openRtc(config),
    push: await openPush(config, outbox),
    wechat: await openWechat(config),
    mixin: await openMixin(config, outbox),
    links: linksWhenNeeded(),
    ...await openStorage(config),
  };
}

async function openSms(
  config: Pick<Config, "aliyunSms" | "devDoors">,
  outbox: Outbox | undefined,
): Promise<Sms> {
  if (config.aliyunSms) {
    const { aliyunSms } = await import("./sms_aliyun.ts");
    return aliyunSms(config.aliyunSms);
  }
  if (!config.devDoors) return { sendCode: () => Promise.reject(new Error("no SMS provider")) };
  const { developmentSms } = await import("./sms_development.ts");
  return developmentSms(outbox!);
}

async function openPush(config: Pick<Config, "jpush">, outbox: Outbox | undefined) {
  if (config.jpush) {
    const { jpush } = await import("./push_jpush.ts");
    return jpush(config.jpush);
  }
  const { developmentPush } = await import("./push_development.ts");
  return developmentPush(outbox!);
}

async function openWechat({ wechat, devDoors }: Pick<Config, "wechat" | "devDoors">) {
  if (wechat) return (await import("./wechat_real.ts")).realWechat(wechat);
  if (!devDoors) return undefined;
  return (await import("./wechat_development.ts")).developmentWechat();
}

async function openMixin({ mixin }: Pick<Config, "mixin">, outbox: Outbox | undefined) {
  if (mixin) return (await import("./mixin_real.ts")).realMixin(mixin);
  return (await import("./mixin_development.ts")).developmentMixin(outbox!);
}

async function openRtc({ agora }: Pick<Config, "agora">) {
  return agora
    ? (await import("./rtc_agora.ts")).agoraRtc(agora)
    : (await import("./rtc_development.ts")).developmentRtc();
}

async function openStorage({ aliyunOss, dataDir }: Pick<Config, "aliyunOss" | "dataDir">) {
  if (aliyunOss) {
    const { ossStorage } = await import("./storage_oss.ts");
    return { storage: ossStorage(aliyunOss), uploads: undefined };
  }
  const { developmentStorage } = await import("./storage_development.ts");
  const uploads = developmentStorage(`${dataDir}/uploads`);
  return { storage: uploads, uploads };
}

/** Reading pages takes some 30 ms to load, for which a cold start shall not wait. */
function linksWhenNeeded(): LinkReader {
  return {
    async read(url) {
      const { sharedLinkReader } = await import("./links_http.ts");
      return await sharedLinkReader.read(url);
    },
  };
}
