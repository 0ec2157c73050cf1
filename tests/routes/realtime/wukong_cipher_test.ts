import fc from "fast-check";
import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { Reason, reasonName } from "../../../routes/realtime/reasons.ts";
import {
  CipherError,
  createKeyPair,
  createSalt,
  WukongCipher,
} from "../../../routes/realtime/wukong/cipher.ts";
import { fromHex, vectors } from "./vectors.ts";

const server = createKeyPair(vectors.serverPrivate);
const client = createKeyPair(vectors.clientPrivate);
const { salt } = vectors;
const cipher = new WukongCipher({ own: server, peerKey: vectors.clientPublic, salt });

const sealed = new TextEncoder().encode(vectors.sealed);
const sent = {
  clientSeq: 1,
  clientMsgNo: "m1",
  channelId: "bob",
  channelType: 1,
  payload: sealed,
};
const received = {
  messageId: 1001,
  messageSeq: 7,
  clientMsgNo: "m1",
  timestamp: 1_700_000_000,
  fromUid: "alice",
  channelId: "alice",
  channelType: 1,
  payload: sealed,
};

const isError = (reason: number, because = /./) => (error: unknown) =>
  error instanceof CipherError && error.reason === reason && because.test(error.message);

Deno.test("keys, sealed payload and message keys are those of the reference", () => {
  assert.equal(client.publicKey, vectors.clientPublic);
  assert.equal(server.publicKey, vectors.serverPublic);
  assert.equal(cipher.ownKey, vectors.serverPublic);
  assert.deepEqual(cipher.seal(vectors.payload), sealed);
  assert.deepEqual(cipher.seal(new TextEncoder().encode(vectors.payload)), sealed);
  assert.equal(new TextDecoder().decode(cipher.open(sealed)), vectors.payload);
  assert.equal(new TextDecoder().decode(cipher.open(vectors.sealed)), vectors.payload);
  assert.equal(cipher.sendMsgKey(sent), vectors.sendMsgKey);
  assert.equal(cipher.recvMsgKey(received), vectors.recvMsgKey);
});

Deno.test("the client's side computes the same", () => {
  const other = new WukongCipher({ own: client, peerKey: vectors.serverPublic, salt });
  assert.deepEqual(other.seal(vectors.payload), sealed);
  assert.equal(other.sendMsgKey(sent), vectors.sendMsgKey);
});

Deno.test("a SEND is genuine with its own message key and every field as it was", () => {
  const frame = { ...sent, msgKey: vectors.sendMsgKey };
  assert.ok(cipher.isGenuine(frame));
  for (
    const changed of [
      { clientSeq: 2 },
      { clientMsgNo: "m2" },
      { channelId: "eve" },
      { channelType: 2 },
      { payload: cipher.seal("{}") },
      { msgKey: vectors.recvMsgKey },
      { msgKey: "" },
      { msgKey: "é".repeat(32) },
      { msgKey: vectors.sendMsgKey.toUpperCase() },
    ]
  ) assert.ok(!cipher.isGenuine({ ...frame, ...changed }), JSON.stringify(changed));
});

Deno.test("whatever is sealed opens as it was, any text of any length", () => {
  fc.assert(fc.property(fc.uint8Array({ maxLength: 200 }), (payload) => {
    assert.deepEqual(cipher.open(cipher.seal(payload)), payload);
  }));
  const large = "你好😀".repeat(5000);
  assert.equal(new TextDecoder().decode(cipher.open(cipher.seal(large))), large);
});

Deno.test("a payload the other side did not seal is refused with reason 9", () => {
  const lastByteChanged = Buffer.from(vectors.sealed, "base64");
  lastByteChanged[lastByteChanged.length - 1]! ^= 1;
  for (
    const payload of [
      "",
      "not base64!",
      "AAAA",
      lastByteChanged.toString("base64"),
      vectors.sealed.slice(4),
      `${vectors.sealed}\n`,
    ]
  ) assert.throws(() => cipher.open(payload), isError(Reason.payload_invalid), payload);
  assert.throws(() => cipher.open(Uint8Array.of(0xff, 0xfe)), isError(Reason.payload_invalid));
});

Deno.test("an empty key is refused with reason 21, a malformed one with 2", () => {
  const withKey = (peerKey: string) => () => new WukongCipher({ peerKey });
  assert.throws(withKey(""), isError(Reason.client_key_empty));
  for (const length of [1, 31, 33, 64]) {
    const key = Buffer.alloc(length, 9).toString("base64");
    assert.throws(withKey(key), isError(Reason.auth_failed, /32 bytes/), `${length} bytes`);
  }
  for (const key of ["no base64 at all", vectors.clientPublic.replace("w", "*"), "===="]) {
    assert.throws(withKey(key), isError(Reason.auth_failed), key);
  }
});

/** All encodings of points whose order divides 8 (RFC 7748, section 6; cr.yp.to/ecdh.html). */
const lowOrder = [
  "00".repeat(32),
  "01" + "00".repeat(31),
  "e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800",
  "5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157",
  "ec" + "ff".repeat(30) + "7f",
  "ed" + "ff".repeat(30) + "7f",
  "ee" + "ff".repeat(30) + "7f",
];

Deno.test("a key of low order is refused with reason 2, with and without the unused top bit", () => {
  for (const hex of lowOrder) {
    const point = fromHex(hex);
    for (const topBit of [0, 0x80]) {
      point[31] = point[31]! & 0x7f | topBit;
      const peerKey = Buffer.from(point).toString("base64");
      assert.throws(
        () => new WukongCipher({ peerKey }),
        isError(Reason.auth_failed, /low order/),
        hex,
      );
    }
  }
});

Deno.test("a salt is 16 printable ASCII characters, and never the same", () => {
  const salts = Array.from({ length: 1000 }, createSalt);
  assert.ok(salts.every((it) => /^[\x21-\x7e]{16}$/.test(it)));
  assert.equal(new Set(salts).size, salts.length);
  for (const wrong of ["", "short", "x".repeat(17), "with spaces here", "é".repeat(16)]) {
    assert.throws(() => new WukongCipher({ peerKey: client.publicKey, salt: wrong }), TypeError);
  }
});

Deno.test("two connections of one client share neither key nor salt", () => {
  const [one, two] = [0, 1].map(() => new WukongCipher({ peerKey: vectors.clientPublic }));
  assert.notEqual(one!.ownKey, two!.ownKey);
  assert.notEqual(one!.salt, two!.salt);
  assert.notDeepEqual(one!.seal(vectors.payload), two!.seal(vectors.payload));
  // With one salt, it is the keys alone that differ.
  const [three, four] = [0, 1].map(() => new WukongCipher({ peerKey: client.publicKey, salt }));
  assert.notDeepEqual(three!.seal(vectors.payload), four!.seal(vectors.payload));
});

Deno.test("reason codes have the reference's numbers", () => {
  assert.deepEqual(Object.values(Reason), Array.from({ length: 26 }, (_, code) => code));
  assert.deepEqual([Reason.success, Reason.auth_failed, Reason.kicked], [1, 2, 12]);
  assert.deepEqual([reasonName(8), reasonName(26)], ["msg_key_wrong", "unknown"]);
});
