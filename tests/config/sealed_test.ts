import assert from "node:assert/strict";
import { deriveKeys, type Keys } from "../../config/keys.ts";
import { blindIndex, seal, unseal } from "../../config/runtime/sealed.ts";

const SECRET = "a secret of the tests, long enough to be one";
const KEY_1 = "1:" + "0a".repeat(32);
const KEY_2 = "2:" + "0b".repeat(32);
const keys = deriveKeys({ secretKey: SECRET });
const ROW = "real_names.id_no:42";

for (const plain of ["", "11010519491231002X", "晴れ 🌤\u0000é", "x".repeat(10_000)]) {
  Deno.test(`what was sealed opens again: ${Deno.inspect(plain.slice(0, 20))}`, () => {
    assert.equal(unseal(keys, seal(keys, plain, ROW), ROW), plain);
  });
}

Deno.test("a sealed value with any bit changed, or cut short, does not open", () => {
  const [number, body] = seal(keys, "6222020200112233", ROW).split(".");
  const bytes = Buffer.from(body!, "base64");
  const open = (changed: Buffer) => unseal(keys, `${number}.${changed.toString("base64")}`, ROW);
  assert.equal(open(bytes), "6222020200112233");
  // Nonce, text and tag alike.
  for (let bit = 0; bit < bytes.length * 8; bit++) {
    const changed = Buffer.from(bytes);
    changed[bit >> 3]! ^= 1 << (bit & 7);
    assert.throws(() => open(changed), `bit ${bit}`);
  }
  for (let length = 0; length < bytes.length; length++) {
    assert.throws(() => open(bytes.subarray(0, length)), `length ${length}`);
  }
});

Deno.test("a sealed value copied to another row or column does not open", () => {
  const sealed = seal(keys, "secret", ROW);
  for (const other of ["real_names.id_no:43", "payment_methods.account:42", ""]) {
    assert.throws(() => unseal(keys, sealed, other));
  }
});

Deno.test("two seals of one text have nothing in common", () => {
  const seals = Array.from({ length: 100 }, () => seal(keys, "secret", ROW));
  assert.equal(new Set(seals).size, seals.length);
  // A nonce used twice under one key would give the key's authentication away.
  assert.equal(new Set(seals.map((sealed) => sealed.slice(2, 18))).size, seals.length);
});

Deno.test("a new data key seals, the old one still opens, a lost one says which it was", () => {
  const withDataKeys = (dataKeys: string) => deriveKeys({ secretKey: SECRET, dataKeys });
  const before = withDataKeys(KEY_1);
  const after = withDataKeys(`${KEY_2}, ${KEY_1}`);
  const old = seal(before, "secret", ROW);
  assert.match(old, /^1\./);
  assert.equal(unseal(after, old, ROW), "secret");
  const fresh = seal(after, "secret", ROW);
  assert.match(fresh, /^2\./);
  assert.throws(() => unseal(before, fresh, ROW), /no data key number 2/);
  // The number is not authenticated, but the wrong key opens nothing.
  assert.throws(() => unseal(after, fresh.replace("2.", "1."), ROW));
});

Deno.test("a text that no seal made does not open", () => {
  for (const sealed of ["", "secret", "1", "1.", ".AAAA", "x.AAAA", "1.%%%%", "2.AAAA"]) {
    assert.throws(() => unseal(keys, sealed, ROW), sealed);
  }
});

Deno.test("a blind index is equal for equals and differs by text, purpose and secret", () => {
  const index = blindIndex(keys, "id_no", "11010519491231002X");
  assert.match(index, /^[0-9a-f]{64}$/);
  assert.equal(blindIndex(deriveKeys({ secretKey: SECRET }), "id_no", "11010519491231002X"), index);
  // Without the secret nobody can try out the few possible numbers of an id card.
  const others = [
    blindIndex(keys, "id_no", "110105194912310021"),
    blindIndex(keys, "account", "11010519491231002X"),
    blindIndex(deriveKeys({ secretKey: `${SECRET}!` }), "id_no", "11010519491231002X"),
  ];
  assert.equal(new Set([index, ...others]).size, 4);
});

const everyKey = ({ session, partnerToken, data, ...single }: Keys) =>
  [...session, ...partnerToken, ...data.values(), ...Object.values(single)].map((key) =>
    Buffer.from(key as Uint8Array).toString("hex")
  );

Deno.test("each purpose has a key of its own, the same at every start", () => {
  const all = everyKey(keys);
  assert.equal(all.length, 8);
  assert.ok(all.every((key) => key.length === 64));
  assert.equal(new Set(all).size, all.length);
  assert.deepEqual(everyKey(deriveKeys({ secretKey: SECRET })), all);
  const others = everyKey(deriveKeys({ secretKey: `${SECRET}!` }));
  assert.equal(new Set([...all, ...others]).size, 2 * all.length);
});

Deno.test("during a rotation the session keys are the new secret's, then the previous one's", () => {
  const rotated = deriveKeys({ secretKey: "new", secretKeyPrevious: SECRET });
  assert.equal(rotated.session.length, 2);
  assert.deepEqual(rotated.session[0], deriveKeys({ secretKey: "new" }).session[0]);
  assert.deepEqual(rotated.session[1], keys.session[0]);
});

Deno.test("data keys that are not numbered 256-bit keys are refused", () => {
  const bad = ["x", "0a".repeat(32), "1:0a", "1:" + "0g".repeat(32), `${KEY_1},`, `${KEY_1};2:`];
  for (const dataKeys of [...bad, "-" + KEY_1]) {
    assert.throws(() => deriveKeys({ secretKey: SECRET, dataKeys }), /DATA_KEYS/, dataKeys);
  }
});
