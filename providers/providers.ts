import type { Config } from "../db/config.ts";
import type { Outbox } from "./outbox.ts";
import type { Sms } from "./sms.ts";

/** The outside world as the routes and jobs see it. */
export interface Providers {
  sms: Sms;
  /** What development providers kept instead of sending; absent in production. */
  outbox: Outbox | undefined;
}

/** Real providers where the configuration has their credentials, development ones elsewhere. */
export async function openProviders(
  config: Pick<Config, "env" | "aliyunSms">,
): Promise<Providers> {
  const outbox = config.env === "production"
    ? undefined
    : new (await import("./outbox.ts")).Outbox();
  return { outbox, sms: await openSms(config, outbox) };
}

async function openSms(config: Pick<Config, "aliyunSms">, outbox: Outbox | undefined) {
  if (config.aliyunSms) {
    const { aliyunSms } = await import("./sms_aliyun.ts");
    return aliyunSms(config.aliyunSms);
  }
  const { developmentSms } = await import("./sms_development.ts");
  return developmentSms(outbox!);
}
