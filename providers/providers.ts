import type { Config } from "../config/config.ts";
import { lazy } from "../config/runtime/lazy.ts";
import type { LinkReader } from "./links.ts";
import type { Mixin } from "./mixin.ts";
import { developmentMixin } from "./mixin_development.ts";
import { realMixin } from "./mixin_real.ts";
import { Outbox } from "./outbox.ts";
import { type Push, pushByType } from "./push.ts";
import { applePush } from "./push_apple.ts";
import { developmentPush } from "./push_development.ts";
import { jpush } from "./push_jpush.ts";
import type { Rtc } from "./rtc.ts";
import { agoraRtc } from "./rtc_agora.ts";
import { developmentRtc } from "./rtc_development.ts";
import type { Sms } from "./sms.ts";
import { aliyunSms } from "./sms_aliyun.ts";
import { developmentSms } from "./sms_development.ts";
import type { Storage } from "./storage.ts";
import { type DevelopmentStorage, developmentStorage } from "./storage_development.ts";
import { ossStorage } from "./storage_oss.ts";
import type { Wechat } from "./wechat.ts";
import { developmentWechat } from "./wechat_development.ts";
import { realWechat } from "./wechat_real.ts";

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

/** Each is small, and loads what a call of it needs with the call: one file more costs a start more. */
export function openProviders(
  config: Pick<
    Config,
    | "env"
    | "devDoors"
    | "dataDir"
    | "aliyunSms"
    | "agora"
    | "aliyunOss"
    | "jpush"
    | "applePush"
    | "wechat"
    | "mixin"
  >,
): Providers {
  const outbox = config.env === "production" ? undefined : new Outbox();
  return {
    outbox,
    sms: openSms(config, outbox),
    rtc: config.agora ? agoraRtc(config.agora) : developmentRtc(),
    push: openPush(config, outbox),
    wechat: openWechat(config),
    mixin: config.mixin ? realMixin(config.mixin) : developmentMixin(outbox!),
    links: linksWhenNeeded(),
    ...openStorage(config),
  };
}

function openSms(
  { aliyunSms: account, devDoors }: Pick<Config, "aliyunSms" | "devDoors">,
  outbox: Outbox | undefined,
): Sms {
  if (account) return aliyunSms(account);
  if (!devDoors) return { sendCode: () => Promise.reject(new Error("no SMS provider")) };
  return developmentSms(outbox!);
}

/** Outside of production the outbox takes what has no service. */
function openPush(
  config: Pick<Config, "jpush" | "applePush">,
  outbox: Outbox | undefined,
): Push {
  const kept = outbox && developmentPush(outbox);
  return pushByType({
    JPUSH: config.jpush ? jpush(config.jpush) : kept,
    IOS: config.applePush ? applePush(config.applePush) : kept,
    MI: kept,
    HMS: kept,
    OPPO: kept,
    VIVO: kept,
    FIREBASE: kept,
  });
}

function openWechat({ wechat, devDoors }: Pick<Config, "wechat" | "devDoors">) {
  if (wechat) return realWechat(wechat);
  return devDoors && developmentWechat();
}

function openStorage({ aliyunOss, dataDir }: Pick<Config, "aliyunOss" | "dataDir">) {
  if (aliyunOss) return { storage: ossStorage(aliyunOss), uploads: undefined };
  const uploads = developmentStorage(`${dataDir}/uploads`);
  return { storage: uploads, uploads };
}

/** Takes some 30 ms to load. */
const loadLinks = lazy(() => import("./links_http.ts"));

function linksWhenNeeded(): LinkReader {
  return {
    async read(url) {
      const { sharedLinkReader } = await loadLinks();
      return await sharedLinkReader.read(url);
    },
  };
}
