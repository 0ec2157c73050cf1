import {
  createCipheriv,
  createDecipheriv,
  createPrivateKey,
  createPublicKey,
  diffieHellman,
  generateKeyPairSync,
  type KeyObject,
  randomBytes,
} from "node:crypto";
import { md5Hex, sameSecret } from "../../../config/keys.ts";
import { Reason, type ReasonCode } from "../reasons.ts";
import type { RecvFrame, SendFrame } from "./packets.ts";

/** A key or a sealed payload that is not what it should be; `reason` is what the peer is told. */
export class CipherError extends Error {
  override name = "CipherError";
  constructor(readonly reason: ReasonCode, message: string, options?: ErrorOptions) {
    super(message, options);
  }
}

/** An X25519 pair, made for one connection. */
export interface KeyPair {
  privateKey: KeyObject;
  /** Base64 of the 32 raw bytes, as CONNECT and CONNACK carry it. */
  publicKey: string;
}

const KEY_BYTES = 32;
/** What stands before the raw bytes of an X25519 key in DER (RFC 8410). */
const SPKI_PREFIX = Buffer.from("302a300506032b656e032100", "hex");
const PKCS8_PREFIX = Buffer.from("302e020100300506032b656e04220420", "hex");

/** A new pair, or the pair of a known private key. */
export function createKeyPair(rawPrivate?: Uint8Array): KeyPair {
  const privateKey = rawPrivate
    ? createPrivateKey({
      key: Buffer.concat([PKCS8_PREFIX, rawPrivate]),
      format: "der",
      type: "pkcs8",
    })
    : generateKeyPairSync("x25519").privateKey;
  const spki = createPublicKey(privateKey).export({ format: "der", type: "spki" });
  return { privateKey, publicKey: spki.subarray(SPKI_PREFIX.length).toString("base64") };
}

/** 16 printable characters that say 96 random bits: they are the IV of the connection. */
export function createSalt(): string {
  return randomBytes(12).toString("base64url");
}

/** The secret both sides can compute, as base64. */
function agree(own: KeyPair, peerKey: string): string {
  if (peerKey === "") throw new CipherError(Reason.client_key_empty, "there is no key");
  const raw = /^[A-Za-z0-9+/]+={0,2}$/.test(peerKey) ? Buffer.from(peerKey, "base64") : undefined;
  if (raw?.length !== KEY_BYTES) {
    throw new CipherError(Reason.auth_failed, `a key is ${KEY_BYTES} bytes in base64`);
  }
  try {
    const publicKey = createPublicKey({
      key: Buffer.concat([SPKI_PREFIX, raw]),
      format: "der",
      type: "spki",
    });
    return diffieHellman({ privateKey: own.privateKey, publicKey }).toString("base64");
  } catch (cause) {
    // Points of low order would make a secret that everybody knows.
    throw new CipherError(Reason.auth_failed, "the key is a point of low order", { cause });
  }
}

/** The fields a SEND's msgKey is computed over. */
export type SendSigned = Pick<
  SendFrame,
  "clientSeq" | "clientMsgNo" | "channelId" | "channelType" | "payload"
>;
/** The fields a RECV's msgKey is computed over. */
export type RecvSigned = Pick<
  RecvFrame,
  | "messageId"
  | "messageSeq"
  | "clientMsgNo"
  | "timestamp"
  | "fromUid"
  | "channelId"
  | "channelType"
  | "payload"
>;

export interface CipherOptions {
  /** The other side's public key, base64. */
  peerKey: string;
  /** Default: a new pair. */
  own?: KeyPair;
  /** 16 printable ASCII characters; default: random ones. */
  salt?: string;
}

/**
 * One connection's encryption, the same on both sides (docs/realtime.md#wukong-binary). The clients
 * have no other mode. A fixed IV and keys nobody vouches for make it a wire format, not a
 * protection: that is TLS's part. All of it is synchronous, so frames keep their order.
 *
 * @throws {CipherError} when made from a key that is missing, malformed or of low order
 */
export class WukongCipher {
  /** For CONNACK's `serverKey`. */
  readonly ownKey: string;
  /** For CONNACK's `salt`. */
  readonly salt: string;
  readonly #aesKey: string;

  constructor({ peerKey, own = createKeyPair(), salt = createSalt() }: CipherOptions) {
    if (!/^[\x21-\x7e]{16}$/.test(salt)) throw new TypeError("a salt is 16 printable characters");
    // The digest's hex text itself is the key, not the bytes it stands for.
    this.#aesKey = md5Hex(agree(own, peerKey)).slice(0, 16);
    this.ownKey = own.publicKey;
    this.salt = salt;
  }

  /** What goes into a frame's `payload`: the base64 text of the ciphertext, as ASCII bytes. */
  seal(payload: Uint8Array | string): Uint8Array {
    return Uint8Array.from(Buffer.from(this.#encrypt(payload), "ascii"));
  }

  /** @throws {CipherError} reason 9, for anything {@link seal} of the other side did not make */
  open(sealed: Uint8Array | string): Uint8Array {
    const base64 = typeof sealed === "string" ? sealed : Buffer.from(sealed).toString("latin1");
    if (!/^[A-Za-z0-9+/]+={0,2}$/.test(base64)) {
      throw new CipherError(Reason.payload_invalid, "the payload is not base64");
    }
    const decipher = createDecipheriv("aes-128-cbc", this.#aesKey, this.salt);
    try {
      const opened = [decipher.update(base64, "base64"), decipher.final()];
      return Uint8Array.from(Buffer.concat(opened));
    } catch (cause) {
      throw new CipherError(Reason.payload_invalid, "the payload cannot be decrypted", { cause });
    }
  }

  sendMsgKey(frame: SendSigned): string {
    const { clientSeq, clientMsgNo, channelId, channelType, payload } = frame;
    return this.#msgKey(`${clientSeq}${clientMsgNo}${channelId}${channelType}`, payload);
  }

  recvMsgKey(frame: RecvSigned): string {
    const { messageId, messageSeq, clientMsgNo, timestamp, fromUid, channelId, channelType } =
      frame;
    const fields = [messageId, messageSeq, clientMsgNo, timestamp, fromUid, channelId, channelType];
    return this.#msgKey(fields.join(""), frame.payload);
  }

  /** Whether a SEND comes from this connection's peer unchanged; reason 8 when not. */
  isGenuine(frame: SendSigned & Pick<SendFrame, "msgKey">): boolean {
    return sameSecret(this.sendMsgKey(frame), frame.msgKey);
  }

  #msgKey(fields: string, sealed: Uint8Array): string {
    return md5Hex(this.#encrypt(Buffer.concat([Buffer.from(fields), sealed])));
  }

  #encrypt(plain: Uint8Array | string): string {
    const bytes = typeof plain === "string" ? Buffer.from(plain) : plain;
    const cipher = createCipheriv("aes-128-cbc", this.#aesKey, this.salt);
    return Buffer.concat([cipher.update(bytes), cipher.final()]).toString("base64");
  }
}
