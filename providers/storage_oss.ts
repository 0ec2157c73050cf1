import { createHash, createHmac } from "node:crypto";
import type { AliyunOssConfig } from "../config/config.ts";
import { canonicalQuery, encode } from "./aliyun.ts";
import type { Storage } from "./storage.ts";

const ALGORITHM = "OSS4-HMAC-SHA256";
/** Aliyun refuses longer lives, s. */
const EXPIRES_SECONDS_MAX = 604_800;
/** For a whole file, as long as it may take to come to us. */
const PUT_TIMEOUT_MS = 5 * 60_000;

/**
 * Aliyun OSS. The grant is a presigned URL of signature V4; the contract's sample shows the older
 * V1, but clients only ever use the address as it stands.
 */
export function ossStorage(
  config: AliyunOssConfig,
  { now = () => new Date(), timeoutMs = PUT_TIMEOUT_MS }: {
    now?: () => Date;
    timeoutMs?: number;
  } = {},
): Storage {
  const publicUrlOf = ({ key }: { key: string }) => `${config.cdnUrl}/${pathOf(key)}`;
  const storage: Storage = {
    publicUrlOf,
    async put({ key, contentType, isAttachment, content }) {
      const grant = { key, contentType, expiresInMs: timeoutMs, origin: "" };
      const response = await fetch(storage.signPut(grant).uploadUrl, {
        method: "PUT",
        headers: {
          "Content-Type": contentType,
          ...isAttachment && { "Content-Disposition": "attachment" },
        },
        body: ReadableStream.from(content),
        signal: AbortSignal.timeout(timeoutMs),
      });
      await response.body?.cancel();
      if (!response.ok) throw new Error(`Aliyun OSS: answered HTTP ${response.status}`);
    },
    signPut({ key, contentType, expiresInMs }) {
      const expiresInSeconds = Math.floor(expiresInMs / 1000);
      if (!(expiresInSeconds >= 1 && expiresInSeconds <= EXPIRES_SECONDS_MAX)) {
        throw new RangeError("an upload is granted for a second to seven days");
      }
      const path = pathOf(key);
      const query = signedQuery(config, { path, contentType, expiresInSeconds, at: now() });
      return {
        uploadUrl: `https://${config.bucket}.${config.endpoint}/${path}?${query}`,
        publicUrl: publicUrlOf({ key }),
      };
    },
  };
  return storage;
}

const pathOf = (key: string) => key.split("/").map(encode).join("/");

interface SignedPut {
  /** The key, encoded. */
  path: string;
  contentType: string | undefined;
  expiresInSeconds: number;
  at: Date;
}

function signedQuery(config: AliyunOssConfig, put: SignedPut): string {
  // "oss-cn-shenzhen.aliyuncs.com" is the region cn-shenzhen.
  const region = config.endpoint.replace(/^oss-/, "").split(".")[0]!;
  const time = put.at.toISOString().replace(/[-:]|\.\d+/g, "");
  const date = time.slice(0, 8);
  const scope = `${date}/${region}/oss/aliyun_v4_request`;
  const query = canonicalQuery({
    "x-oss-credential": `${config.accessKeyId}/${scope}`,
    "x-oss-date": time,
    "x-oss-expires": String(put.expiresInSeconds),
    ...config.securityToken && { "x-oss-security-token": config.securityToken },
    "x-oss-signature-version": ALGORITHM,
  });
  const canonicalRequest = [
    "PUT",
    `/${config.bucket}/${put.path}`,
    query,
    // Of the headers only this one takes part, and always does if it is sent.
    put.contentType ? `content-type:${put.contentType}\n` : "",
    "",
    "UNSIGNED-PAYLOAD",
  ].join("\n");
  const hash = createHash("sha256").update(canonicalRequest).digest("hex");
  const key = [date, region, "oss", "aliyun_v4_request"].reduce<string | Uint8Array>(
    (key, part) => createHmac("sha256", key).update(part).digest(),
    `aliyun_v4${config.accessKeySecret}`,
  );
  const signature = createHmac("sha256", key)
    .update([ALGORITHM, time, scope, hash].join("\n")).digest("hex");
  return `${query}&x-oss-signature=${signature}`;
}
