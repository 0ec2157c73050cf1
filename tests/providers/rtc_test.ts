import assert from "node:assert/strict";
import { createHmac } from "node:crypto";
import { inflateSync } from "node:zlib";
import { ConfigError, readConfig } from "../../config/config.ts";
import { openProviders } from "../../providers/providers.ts";
import { agoraRtc } from "../../providers/rtc_agora.ts";
import { developmentRtc } from "../../providers/rtc_development.ts";

const APP_ID = "75842dc78ef64861aa0125c4b5f5a3c8";
const CERTIFICATE = "5cfd2fd1755d40ecb72977518be15d3b";
const CHANNEL = "6d54737e3dda4ae4abf07acacea3d7a1";
const DAY_MS = 24 * 60 * 60_000;

/** Takes a token of the form 007 apart by Agora's description, not with the package that made it. */
function decode(token: string) {
  assert.equal(token.slice(0, 3), "007");
  const bytes = inflateSync(Buffer.from(token.slice(3), "base64"));
  let at = 0;
  const uint16 = () => bytes.readUInt16LE((at += 2) - 2);
  const uint32 = () => bytes.readUInt32LE((at += 4) - 4);
  const text = () => {
    const length = uint16();
    return bytes.subarray(at, at += length);
  };
  const signature = text();
  const signed = bytes.subarray(at);
  const head = {
    appId: text().toString(),
    issuedAtSeconds: uint32(),
    lifeSeconds: uint32(),
    salt: uint32(),
    serviceCount: uint16(),
    service: uint16(),
  };
  const privileges = Object.fromEntries(
    Array.from({ length: uint16() }, () => [uint16(), uint32()]),
  );
  return {
    signature,
    signed,
    ...head,
    privileges,
    channel: text().toString(),
    uid: text().toString(),
  };
}

function signatureOf(token: ReturnType<typeof decode>): Buffer {
  const uint32 = (value: number) => {
    const bytes = Buffer.alloc(4);
    bytes.writeUInt32LE(value);
    return bytes;
  };
  const hmac = (key: Buffer, data: Buffer | string) =>
    createHmac("sha256", key).update(data).digest();
  const bySeconds = hmac(uint32(token.issuedAtSeconds), CERTIFICATE);
  return hmac(hmac(uint32(token.salt), bySeconds), token.signed);
}

Deno.test("an Agora token opens one channel to speak in, for anybody, for its time, and is signed", async () => {
  const rtc = agoraRtc({ appId: APP_ID, appCertificate: CERTIFICATE });
  const token = decode(await rtc.buildToken(CHANNEL, DAY_MS));
  assert.equal(token.appId, APP_ID);
  assert.equal(token.channel, CHANNEL);
  assert.equal(token.uid, "", "uid 0: whoever holds it");
  assert.deepEqual([token.serviceCount, token.service], [1, 1]);
  const day = DAY_MS / 1000;
  assert.equal(token.lifeSeconds, day);
  // 1 join, 2 to 4 publish audio, video and data.
  assert.deepEqual(token.privileges, { 1: day, 2: day, 3: day, 4: day });
  assert.ok(Math.abs(token.issuedAtSeconds - Date.now() / 1000) < 60);
  assert.deepEqual(token.signature, signatureOf(token));
});

Deno.test("credentials that cannot be Agora's fail instead of making an empty token", async () => {
  const rtc = agoraRtc({ appId: "short", appCertificate: CERTIFICATE });
  await assert.rejects(rtc.buildToken(CHANNEL, DAY_MS), /Agora/);
});

Deno.test("the development token names its channel and looks like a real one", async () => {
  const token = await developmentRtc().buildToken(CHANNEL, DAY_MS);
  assert.match(token, /^007/);
  assert.equal(JSON.parse(atob(token.slice(3))).channel, CHANNEL);
});

Deno.test("Agora is used when both of its variables are there, and one alone is refused", async () => {
  const read = (env: Record<string, string>) =>
    readConfig(env, () => ({ secretKey: "s".repeat(32) }));
  const both = { AGORA_APP_ID: APP_ID, AGORA_APP_CERTIFICATE: CERTIFICATE };
  const { rtc } = openProviders(read(both));
  assert.equal(decode(await rtc.buildToken(CHANNEL, DAY_MS)).appId, APP_ID);
  assert.match(await openProviders(read({})).rtc.buildToken(CHANNEL, DAY_MS), /^007/);
  for (const [name, value] of Object.entries(both)) {
    const other = Object.keys(both).find((it) => it !== name)!;
    assert.throws(() => read({ [name]: value }), new ConfigError(`missing: ${other}`));
  }
  assert.throws(() => read({ ...both, AGORA_APP_ID: "not hex" }), ConfigError);
  assert.throws(() => read({ APP_ENV: "production" }), /AGORA_APP_ID, AGORA_APP_CERTIFICATE/);
});

Deno.test("Agora is asked how many are in a channel, with the customer's credentials", async (t) => {
  const answers: Response[] = [];
  const late = () =>
    new Promise<Response>((resolve) => setTimeout(() => resolve(new Response()), 1_000));
  const asked: { path: string; authorization: string | null }[] = [];
  await using server = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen() {} }, (request) => {
    const { pathname } = new URL(request.url);
    asked.push({ path: pathname, authorization: request.headers.get("Authorization") });
    return answers.shift() ?? late();
  });
  const customer = { id: "customer", secret: "secret-of-customer" };
  const rtc = agoraRtc({ appId: APP_ID, appCertificate: CERTIFICATE, customer }, {
    apiUrl: `http://127.0.0.1:${server.addr.port}`,
    timeoutMs: 300,
  });
  const countOf = (answer: unknown, status = 200) => {
    answers.push(Response.json(answer, { status }));
    return rtc.countUsers!(CHANNEL);
  };

  await t.step("of a channel where all may speak, and one with hosts and audience", async () => {
    const success = { success: true };
    const talk = { channel_exist: true, mode: 1, total: 2, users: [906218805, 1] };
    assert.equal(await countOf({ ...success, data: talk }), 2);
    const live = { channel_exist: true, mode: 2, broadcasters: [1], audience: [2, 3] };
    assert.equal(await countOf({ ...success, data: live }), 3);
    assert.equal(await countOf({ ...success, data: { ...live, audience_total: 9 } }), 10);
    const many = Array.from({ length: 20_000 }, (_, at) => 1_000_000_000 + at);
    assert.equal(
      await countOf({ data: { channel_exist: true, total: 20_000, users: many } }),
      20_000,
    );
    assert.equal(await countOf({ ...success, data: { channel_exist: false } }), undefined);
    assert.deepEqual(asked[0], {
      path: `/dev/v1/channel/user/${APP_ID}/${CHANNEL}`,
      authorization: `Basic ${btoa("customer:secret-of-customer")}`,
    });
  });

  await t.step("no answer that says it is none, and shows no secret", async () => {
    for (
      const [answer, status] of [[{ message: "Unauthorized" }, 401], [{ data: {} }, 200]] as const
    ) {
      await assert.rejects(
        countOf(answer, status),
        (error: Error) =>
          /^Agora: answered HTTP/.test(error.message) && !error.message.includes("secret"),
      );
    }
    await assert.rejects(rtc.countUsers!(CHANNEL), /Agora did not answer within 300 ms/);
  });

  await t.step("nobody is asked without them", () => {
    const config = { appId: APP_ID, appCertificate: CERTIFICATE };
    assert.equal(agoraRtc(config).countUsers, undefined);
    assert.equal(developmentRtc().countUsers, undefined);
  });
});

Deno.test("half of Agora's customer is no configuration, nor is one without an app", () => {
  const read = (env: Record<string, string>) =>
    readConfig(env, () => ({ secretKey: "a".repeat(32) }));
  const app = { AGORA_APP_ID: APP_ID, AGORA_APP_CERTIFICATE: CERTIFICATE };
  const [id, secret] = [{ AGORA_CUSTOMER_ID: "a" }, { AGORA_CUSTOMER_SECRET: "b" }];
  assert.throws(() => read({ ...app, ...id }), /missing: AGORA_CUSTOMER_SECRET/);
  assert.throws(() => read({ ...app, ...secret }), /missing: AGORA_CUSTOMER_ID/);
  assert.throws(() => read({ ...id, ...secret }), /missing: AGORA_APP_ID/);
  assert.deepEqual(read({ ...app, ...id, ...secret }).agora!.customer, { id: "a", secret: "b" });
  assert.equal(read(app).agora!.customer, undefined);
});
