import assert from "node:assert/strict";
import { hashPassword, isPassword } from "../../db/domain/chat_accounts/password.ts";
import {
  checkShortNo,
  isOwnName,
  socketAddresses,
  zoneOf,
} from "../../db/domain/chat_accounts/rules.ts";
import { maskPhone, usernameOf } from "../../db/domain/users/rules.ts";

Deno.test("a number's login name is its zone and digits, and nobody's own name looks like one", () => {
  assert.equal(usernameOf({ countryCode: "86", number: "13800138000" }), "008613800138000");
  assert.deepEqual([zoneOf("86"), zoneOf(null)], ["0086", ""]);
  assert.deepEqual(
    ["008613800138000", "toby", "toby-1@x", "tob", "1toby", "toby 1"].map(isOwnName),
    [false, true, true, false, false, false],
  );
});

Deno.test("a short number of one's own has a letter first and a digit somewhere", () => {
  for (const fine of ["abcde1", "a1____", "A-2345", "a".repeat(19) + "1"]) checkShortNo(fine);
  for (
    const wrong of ["", "abcd1", "abcdef", "1abcde", "abcde1!", "a".repeat(20) + "1", "é12345"]
  ) {
    assert.throws(() => checkShortNo(wrong), { kind: "short_no_invalid" }, wrong);
  }
});

Deno.test("a masked phone shows three digits and four", () => {
  assert.equal(maskPhone("13800138000"), "138****8000");
  assert.equal(maskPhone("12345678"), "123*5678");
  assert.equal(maskPhone("123456"), "******");
});

Deno.test("sockets are opened where the caller came from unless the installation says where", () => {
  const none = { publicUrl: undefined, publicWsUrl: undefined, host: "a.example:8000" };
  assert.deepEqual(socketAddresses({ ...none, protocol: undefined }), {
    ws: "ws://a.example:8000/ws",
    wss: "",
  });
  assert.deepEqual(socketAddresses({ ...none, protocol: "https" }), {
    ws: "",
    wss: "wss://a.example:8000/ws",
  });
  assert.deepEqual(
    socketAddresses({ ...none, publicUrl: "http://b.example", protocol: "https" }),
    { ws: "ws://b.example/ws", wss: "" },
  );
});

Deno.test("a password is kept by scrypt with its parameters, each with a salt of its own", async () => {
  const [one, other] = await Promise.all([hashPassword("secret-1"), hashPassword("secret-1")]);
  assert.match(one, /^scrypt\$32768\$8\$1\$[A-Za-z0-9+/=]{24}\$[A-Za-z0-9+/=]{44}$/);
  assert.notEqual(one, other);
  // More at once than are hashed at once: whoever waits gets a turn.
  const answers = await Promise.all(
    ["secret-1", "secret-2", "secret-1", "", "Secret-1", "secret-1 "].map((it) =>
      isPassword(it, one)
    ),
  );
  assert.deepEqual(answers, [true, false, true, false, false, false]);
  assert.equal(await isPassword("secret-1", null), false);
  await assert.rejects(hashPassword("12345"), { kind: "password_invalid" });
});
