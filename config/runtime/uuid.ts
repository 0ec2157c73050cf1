import { createHash } from "node:crypto";

/** 32 hex digits written as a UUID: 8-4-4-4-12. */
export function uuidText(hex: string): string {
  const cuts = [0, 8, 12, 16, 20, 32];
  return cuts.slice(1).map((cut, at) => hex.slice(cuts[at], cut)).join("-");
}

/** The UUID of version 5 (RFC 9562, 5.5) of a name; `namespace` is 32 hex digits. */
export function uuidV5(namespace: string, name: string): string {
  const hash = createHash("sha1").update(Buffer.from(namespace, "hex")).update(name).digest();
  hash[6] = hash[6]! & 0x0f | 0x50;
  hash[8] = hash[8]! & 0x3f | 0x80;
  return uuidText(hash.toString("hex").slice(0, 32));
}
