import { createCipheriv, createDecipheriv, randomBytes } from "node:crypto";
import { hmacHex, type Keys } from "../keys.ts";

const IV_BYTES = 12;
const TAG_BYTES = 16;

/**
 * Encrypts one personal datum with AES-256-GCM under the newest data key.
 * `boundTo` names the row and column it belongs to (`real_names.id_no:42`) and is authenticated,
 * so a sealed value copied to another row does not open.
 * @returns `<key number>.<base64 of iv ‖ ciphertext ‖ tag>`
 */
export function seal(keys: Keys, plain: string, boundTo: string): string {
  const number = Math.max(...keys.data.keys());
  const iv = randomBytes(IV_BYTES);
  const cipher = createCipheriv("aes-256-gcm", keys.data.get(number)!, iv);
  cipher.setAAD(Buffer.from(boundTo));
  const body = Buffer.concat([cipher.update(plain, "utf8"), cipher.final()]);
  return `${number}.${Buffer.concat([iv, body, cipher.getAuthTag()]).toString("base64")}`;
}

/** Opens what {@link seal} made. Throws when the key is gone, the row differs or a bit changed. */
export function unseal(keys: Keys, sealed: string, boundTo: string): string {
  const dot = sealed.indexOf(".");
  const key = keys.data.get(Number(sealed.slice(0, dot)));
  if (!key) throw new Error(`no data key number ${sealed.slice(0, dot)}`);
  const bytes = Buffer.from(sealed.slice(dot + 1), "base64");
  const decipher = createDecipheriv("aes-256-gcm", key, bytes.subarray(0, IV_BYTES));
  decipher.setAAD(Buffer.from(boundTo));
  decipher.setAuthTag(bytes.subarray(bytes.length - TAG_BYTES));
  const body = bytes.subarray(IV_BYTES, bytes.length - TAG_BYTES);
  return Buffer.concat([decipher.update(body), decipher.final()]).toString("utf8");
}

/** A keyed hash by which a sealed value can be found without opening any: equal in, equal out. */
export function blindIndex(keys: Keys, purpose: string, plain: string): string {
  return hmacHex(keys.blindIndex, `${purpose}\n${plain}`);
}
