import { createHash, createHmac, hkdfSync, randomBytes, timingSafeEqual } from "node:crypto";

/**
 * One key per purpose, derived from `SECRET_KEY` with HKDF-SHA256 (RFC 5869), so that a leak of one
 * says nothing about another.
 */
export interface Keys {
  /** Gateway access secrets; the newest first, then the one before it during a rotation. */
  session: readonly Uint8Array[];
  captcha: Uint8Array;
  operatorJwt: Uint8Array;
  partnerSecret: Uint8Array;
  /** Tokens of partners' clients; the newest first, as above. */
  partnerToken: readonly Uint8Array[];
  opsKey: Uint8Array;
  blindIndex: Uint8Array;
  /** AES-256-GCM keys for personal data by key number; the highest number seals. */
  data: ReadonlyMap<number, Uint8Array>;
}

export interface KeySource {
  secretKey: string;
  secretKeyPrevious?: string | undefined;
  /** `1:<64 hex>,2:<64 hex>`; absent: number 1, derived from the secret key. */
  dataKeys?: string | undefined;
}

const KEY_BYTES = 32;

function derive(secret: string, purpose: string): Uint8Array {
  return new Uint8Array(hkdfSync("sha256", secret, "plaza", purpose, KEY_BYTES));
}

export function deriveKeys({ secretKey, secretKeyPrevious, dataKeys }: KeySource): Keys {
  const secrets = [secretKey, secretKeyPrevious].filter((secret) => secret !== undefined);
  return {
    session: secrets.map((secret) => derive(secret, "session")),
    captcha: derive(secretKey, "captcha"),
    operatorJwt: derive(secretKey, "operator-jwt"),
    partnerSecret: derive(secretKey, "partner-secret"),
    partnerToken: secrets.map((secret) => derive(secret, "partner-token")),
    opsKey: derive(secretKey, "ops-key"),
    blindIndex: derive(secretKey, "blind-index"),
    data: dataKeys ? parseDataKeys(dataKeys) : new Map([[1, derive(secretKey, "data")]]),
  };
}

function parseDataKeys(text: string): Map<number, Uint8Array> {
  const keys = new Map<number, Uint8Array>();
  for (const part of text.split(",")) {
    const match = /^(\d{1,4}):([0-9a-f]{64})$/i.exec(part.trim());
    if (!match) throw new TypeError("DATA_KEYS must look like 1:<64 hex digits>,2:<64 hex digits>");
    if (keys.has(Number(match[1]))) {
      throw new TypeError(`DATA_KEYS has two keys number ${match[1]}`);
    }
    keys.set(Number(match[1]), Uint8Array.from(Buffer.from(match[2]!, "hex")));
  }
  return keys;
}

/** 32 lower hex digits from the system's random source: uids, tokens, numbers of things. */
export function randomHex32(): string {
  return randomBytes(16).toString("hex");
}

export function hmacHex(key: Uint8Array, text: string): string {
  return createHmac("sha256", key).update(text).digest("hex");
}

export function sha256Hex(text: string): string {
  return createHash("sha256").update(text).digest("hex");
}

/** MD5 as lower hex; only where a contract demands it. */
export function md5Hex(text: string): string {
  return createHash("md5").update(text).digest("hex");
}

/** Compares two secrets in a time that tells their lengths at most, and not where they differ. */
export function sameSecret(a: string, b: string): boolean {
  const [left, right] = [Buffer.from(a), Buffer.from(b)];
  return left.length === right.length && timingSafeEqual(left, right);
}
