import { decodeJwt, decodeProtectedHeader, exportPKCS8, generateKeyPair, jwtVerify } from "jose";
import assert from "node:assert/strict";
import { readConfig } from "../../config/config.ts";
import { PushRefusedError } from "../../providers/push.ts";
import { applePush } from "../../providers/push_apple.ts";

const { privateKey, publicKey } = await generateKeyPair("ES256", { extractable: true });
const pem = await exportPKCS8(privateKey);
const DEVICE = "00fc13adff785122b4ad28809a3420982341241421348097878e577c991de8f0";
const MESSAGE = {
  deviceType: "IOS" as const,
  bundleId: "com.example.chat",
  token: DEVICE,
  title: "Ann",
  content: "hello",
  url: "plaza://chat/1/x",
  badge: 3,
  id: "0f8fad5b-d9cb-869f-a165-70867728950e",
};

interface Asked {
  path: string;
  headers: Headers;
  // deno-lint-ignore no-explicit-any -- what Apple was sent, looked at key by key
  body: any;
}

const configOf = (endpoint: string) => ({
  privateKey: pem,
  keyId: "ABC123DEFG",
  teamId: "DEF123GHIJ",
  topic: "com.example.default",
  endpoint,
});

/** Runs `body` against a stand-in that checks the provider's token as Apple documents it. */
async function withApple(
  body: (endpoint: string, asked: Asked[]) => Promise<void>,
  answer: () => Response = () => new Response(null, { status: 200 }),
): Promise<void> {
  const asked: Asked[] = [];
  const server = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen() {} }, async (request) => {
    const token = request.headers.get("authorization")!.replace("bearer ", "");
    await jwtVerify(token, publicKey, { issuer: "DEF123GHIJ" });
    assert.deepEqual(decodeProtectedHeader(token), { alg: "ES256", kid: "ABC123DEFG" });
    assert.equal(request.method, "POST");
    const { pathname: path } = new URL(request.url);
    asked.push({ path, headers: request.headers, body: await request.json() });
    return answer();
  });
  try {
    await body(`http://127.0.0.1:${server.addr.port}`, asked);
  } finally {
    await server.shutdown();
  }
}

async function failureOf(send: Promise<void>): Promise<Error> {
  const error = await send.then(() => assert.fail("it was accepted"), (e: Error) => e);
  const printed = Deno.inspect(error) + error.message + error.stack;
  for (const secret of [DEVICE, pem]) assert.ok(!printed.includes(secret), printed);
  return error;
}

const refusal = (status: number, reason: string) => () => Response.json({ reason }, { status });

Deno.test("a message goes to the device with its words, its badge and the app it is for", () =>
  withApple(async (endpoint, asked) => {
    const push = applePush(configOf(endpoint));
    await push.send(MESSAGE);
    const [{ path, headers, body }] = asked as [Asked];
    assert.equal(path, `/3/device/${DEVICE}`);
    assert.deepEqual(body, {
      aps: { alert: { title: "Ann", body: "hello" }, badge: 3, sound: "default" },
      url: "plaza://chat/1/x",
    });
    assert.equal(headers.get("apns-topic"), "com.example.chat");
    assert.equal(headers.get("apns-push-type"), "alert");
    assert.equal(headers.get("apns-id"), MESSAGE.id);
    assert.equal(headers.get("apns-collapse-id"), MESSAGE.id);
    await push.send({ ...MESSAGE, bundleId: "", sounds: false, badge: undefined });
    assert.equal(asked[1]!.headers.get("apns-topic"), "com.example.default");
    assert.deepEqual(asked[1]!.body.aps, { alert: { title: "Ann", body: "hello" } });
  }));

Deno.test("one provider's token serves fifty minutes, or until Apple finds it old", async () => {
  let nowMs = Date.now() - 3_600_000;
  let answer = () => new Response();
  await withApple(async (endpoint, asked) => {
    const push = applePush(configOf(endpoint), { nowMs: () => nowMs });
    const tokens = () => asked.map(({ headers }) => headers.get("authorization")!);
    await push.send(MESSAGE);
    nowMs += 49 * 60_000;
    await push.send(MESSAGE);
    assert.equal(new Set(tokens()).size, 1);
    nowMs += 60_000;
    await push.send(MESSAGE);
    assert.equal(new Set(tokens()).size, 2);
    assert.equal(decodeJwt(tokens()[2]!.slice(7)).iat, Math.floor(nowMs / 1000));
    answer = refusal(403, "ExpiredProviderToken");
    nowMs += 1_000;
    const error = await failureOf(push.send(MESSAGE));
    assert.equal(error instanceof PushRefusedError, false);
    answer = () => new Response();
    await push.send(MESSAGE);
    assert.equal(new Set(tokens()).size, 3);
  }, () => answer());
});

Deno.test("a device that is gone, a refusal and a fault of theirs are told apart", async () => {
  const cases: [status: number, reason: string, isFinal: boolean, isGone: boolean][] = [
    [410, "Unregistered", true, true],
    [400, "BadDeviceToken", true, true],
    [400, "DeviceTokenNotForTopic", true, true],
    [400, "PayloadEmpty", true, false],
    [403, "InvalidProviderToken", true, false],
    [429, "TooManyRequests", false, false],
    [500, "InternalServerError", false, false],
    [503, "ServiceUnavailable", false, false],
  ];
  for (const [status, reason, isFinal, isGone] of cases) {
    await withApple(async (endpoint) => {
      const error = await failureOf(applePush(configOf(endpoint)).send(MESSAGE));
      assert.match(error.message, new RegExp(`HTTP ${status}: ${reason}`));
      assert.equal(error instanceof PushRefusedError, isFinal, reason);
      assert.equal((error as PushRefusedError).isDeviceGone ?? false, isGone, reason);
    }, refusal(status, reason));
  }
});

Deno.test("what is no token of Apple's is not asked about", () =>
  withApple(async (endpoint, asked) => {
    const push = applePush(configOf(endpoint));
    for (const token of ["../../secrets", "t-1", "a b"]) {
      const error = await failureOf(push.send({ ...MESSAGE, token }));
      assert.equal((error as PushRefusedError).isDeviceGone, true);
    }
    assert.equal(asked.length, 0);
  }));

Deno.test("Apple's four variables come together, and the key may be one line", () => {
  const read = (env: Record<string, string>) =>
    readConfig(env, () => ({ secretKey: "k".repeat(32) }));
  const four = {
    APPLE_PUSH_KEY: pem.replaceAll("\n", "\\n"),
    APPLE_PUSH_KEY_ID: "ABC123DEFG",
    APPLE_PUSH_TEAM_ID: "DEF123GHIJ",
    APPLE_PUSH_TOPIC: "com.example.default",
  };
  assert.equal(read({}).applePush, undefined);
  assert.deepEqual(read(four).applePush, {
    ...configOf("https://api.push.apple.com"),
    privateKey: pem.trim(),
  });
  assert.throws(() => read({ APPLE_PUSH_KEY: four.APPLE_PUSH_KEY }), /APPLE_PUSH_KEY_ID/);
  assert.throws(() => read({ ...four, APPLE_PUSH_KEY: "nonsense" }), /APPLE_PUSH_KEY: must be/);
});
