import { createHash, createHmac, randomUUID } from "node:crypto";
import type { AliyunSmsConfig } from "../config/config.ts";
import { canonicalQuery } from "./aliyun.ts";
import { type Answer, ask, cleaned } from "./answers.ts";
import type { Sms, SmsCode } from "./sms.ts";

const SERVICE = "Aliyun SMS";
const VERSION = "2017-05-25";
const TIMEOUT_MS = 5_000;

/** Aliyun understood the call and did not send; `reason` is its code: `isv.BUSINESS_LIMIT_CONTROL`. */
export class SmsRefusedError extends Error {
  override name = "SmsRefusedError";
  constructor(readonly reason: string, message: string) {
    super(message);
  }
}

export interface AliyunSmsOptions {
  now?: () => Date;
  /** A value never used before; Aliyun refuses a call that repeats one. */
  nonce?: () => string;
  timeoutMs?: number;
}

/**
 * Sends through Aliyun SMS (`SendSms`, 2017-05-25). A call is made once: `SendSms` is not
 * idempotent, so after an error the message may still arrive, and sending again is the person's
 * choice. No error names the code, the number or a key.
 */
export function aliyunSms(config: AliyunSmsConfig, options: AliyunSmsOptions = {}): Sms {
  const { now = () => new Date(), nonce = randomUUID, timeoutMs = TIMEOUT_MS } = options;
  return {
    async sendCode(message) {
      const phoneNumber = phoneNumberOf(message.to);
      const url = new URL(config.endpoint);
      const parameters = {
        PhoneNumbers: phoneNumber,
        SignName: config.signName,
        TemplateCode: config.templateCode,
        TemplateParam: JSON.stringify({ code: message.code }),
      };
      const headers = signCall({
        method: "POST",
        host: url.host,
        path: url.pathname,
        parameters,
        action: "SendSms",
        version: VERSION,
        at: now(),
        nonce: nonce(),
      }, config);
      url.search = canonicalQuery(parameters);
      const secrets = secretsOf(message, phoneNumber, config);
      const options = { service: SERVICE, timeoutMs, secrets, method: "POST", headers };
      refuseUnsent(await ask(url, options), secrets);
    },
  };
}

/**
 * `SendSms` takes a comma-separated list, so anything but digits could reach strangers at our cost.
 * No other country code starts with 86: Taiwan is 886, Bangladesh 880.
 */
function phoneNumberOf(to: string): string {
  if (!/^\d{7,15}$/.test(to)) throw new Error("an SMS needs country code and number, digits only");
  return to.startsWith("86") ? to.slice(2) : to;
}

export interface AcsCall {
  method: "GET" | "POST";
  /** As in the `Host` header: with the port unless it is the scheme's own. */
  host: string;
  path: string;
  /** All of them travel in the query; the body is empty. */
  parameters: Record<string, string>;
  action: string;
  version: string;
  at: Date;
  nonce: string;
}

/** The headers that make `call` acceptable to Aliyun: signature V3, ACS3-HMAC-SHA256. */
export function signCall(
  call: AcsCall,
  keys: Pick<AliyunSmsConfig, "accessKeyId" | "accessKeySecret">,
): Record<string, string> {
  const bodyHash = sha256Hex("");
  // In the alphabet's order, as the canonical request wants them.
  const signed: Record<string, string> = {
    "host": call.host,
    "x-acs-action": call.action,
    "x-acs-content-sha256": bodyHash,
    "x-acs-date": call.at.toISOString().replace(/\.\d+Z$/, "Z"),
    "x-acs-signature-nonce": call.nonce,
    "x-acs-version": call.version,
  };
  const names = Object.keys(signed).join(";");
  const canonicalRequest = [
    call.method,
    call.path,
    canonicalQuery(call.parameters),
    ...Object.entries(signed).map(([name, value]) => `${name}:${value}`),
    "",
    names,
    bodyHash,
  ].join("\n");
  const signature = createHmac("sha256", keys.accessKeySecret)
    .update(`ACS3-HMAC-SHA256\n${sha256Hex(canonicalRequest)}`).digest("hex");
  const { host: _sentByFetch, ...headers } = signed;
  return {
    ...headers,
    accept: "application/json",
    authorization:
      `ACS3-HMAC-SHA256 Credential=${keys.accessKeyId},SignedHeaders=${names},Signature=${signature}`,
  };
}

function sha256Hex(text: string): string {
  return createHash("sha256").update(text).digest("hex");
}

/** Aliyun's answer to a wrong signature quotes the request, and with it a valid code. */
function refuseUnsent({ status, json }: Answer, secrets: string[]): void {
  if (status >= 200 && status < 300 && json?.Code === "OK") return;
  if (typeof json?.Code !== "string" || json.Code === "OK") {
    throw new Error(`${SERVICE}: answered HTTP ${status} in an unknown form`);
  }
  const text = `refused: ${json.Code}, request ${json.RequestId}: ${json.Message}`;
  throw new SmsRefusedError(cleaned(json.Code, secrets), `${SERVICE}: ${cleaned(text, secrets)}`);
}

function secretsOf({ to, code }: SmsCode, phoneNumber: string, config: AliyunSmsConfig): string[] {
  const { accessKeyId, accessKeySecret } = config;
  return [accessKeySecret, accessKeyId, to, phoneNumber, code];
}
