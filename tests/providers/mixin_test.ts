import assert from "node:assert/strict";
import { generateKeyPairSync } from "node:crypto";
import { readConfig } from "../../config/config.ts";
import { messagesPerCall, type MixinBot, MixinRefusedError } from "../../providers/mixin.ts";
import { developmentMixin } from "../../providers/mixin_development.ts";
import { realMixin } from "../../providers/mixin_real.ts";
import { Outbox } from "../../providers/outbox.ts";
import { openProviders } from "../../providers/providers.ts";
import {
  CLIENT_ID,
  CLIENT_SECRET,
  CODE,
  type MixinServer,
  USER_ID,
  withMixin,
} from "./mixin_stand_in.ts";

const SESSION_ID = "5467e9ea-cd04-4b91-b84c-93a0c87cb6a4";
const BOT_ID = "2b72cd5d-a236-4fa5-af27-c3cb04ff2adb";
const at = (endpoint: string, { clientSecret = CLIENT_SECRET, timeoutMs = 3_500 } = {}) =>
  realMixin({ endpoint, clientId: CLIENT_ID, clientSecret }, { timeoutMs });

const { privateKey, publicKey } = generateKeyPairSync("ed25519");
const SEED = Buffer.from(privateKey.export({ format: "jwk" }).d!, "base64url").toString("hex");
const keystore = (over: Record<string, unknown> = {}): MixinBot => ({
  clientId: BOT_ID,
  keystore: JSON.stringify({
    app_id: BOT_ID,
    session_id: SESSION_ID,
    server_public_key: "0".repeat(64),
    session_private_key: SEED,
    ...over,
  }),
});
const knowBot = ({ signers }: MixinServer) =>
  signers.set(SESSION_ID, Buffer.from(publicKey.export({ format: "jwk" }).x!, "base64url"));
const message = (text = "周五见") => ({ id: crypto.randomUUID(), to: USER_ID, text });

/** Calls, expects a failure, and proves that printing it whole gives nothing away. */
async function failureOf(call: Promise<unknown>): Promise<Error> {
  const error = await call.then(() => assert.fail("it worked"), (e: Error) => e);
  const printed = Deno.inspect(error) + error.message + error.stack + JSON.stringify(error);
  for (const secret of [CLIENT_SECRET, CODE, SEED]) {
    assert.ok(!printed.includes(secret), `${secret} is in: ${printed}`);
  }
  return error;
}

Deno.test("a code is exchanged for who brought it", () =>
  withMixin(async ({ endpoint, asked }) => {
    assert.deepEqual(await at(endpoint).exchangeCode(CODE), { userId: USER_ID, name: "徐辉" });
    assert.deepEqual(asked, ["POST /oauth/token", "GET /me"]);
  }));

Deno.test("a bot's messages go out in one call, signed with its keystore", () =>
  withMixin(async (server) => {
    knowBot(server);
    const sent = [message(), message("=1+1")];
    await at(server.endpoint).sendMessages(keystore(), sent);
    assert.deepEqual(server.asked, ["POST /messages"]);
    assert.deepEqual(
      server.messages.map((it) => [it.message_id, it.recipient_id, it.category]),
      sent.map(({ id, to }) => [id, to, "PLAIN_TEXT"]),
    );
    const texts = server.messages.map((it) => Buffer.from(it.data_base64, "base64url").toString());
    assert.deepEqual(texts, ["周五见", "=1+1"]);
    assert.equal(new Set(server.messages.map((it) => it.conversation_id)).size, 1);
  }));

Deno.test("refusals name Mixin's code and nothing secret", () =>
  withMixin(async (server) => {
    const { endpoint } = server;
    const badCode = await failureOf(at(endpoint).exchangeCode("another-code"));
    assert.ok(badCode instanceof MixinRefusedError);
    assert.equal(badCode.message, "Mixin: refused: 10002 invalid code …");
    const badSecret = await failureOf(
      at(endpoint, { clientSecret: "another secret, wrong" }).exchangeCode(CODE),
    );
    assert.ok(badSecret instanceof MixinRefusedError);
    assert.ok(!badSecret.message.includes("another secret"));
    const stranger = await failureOf(at(endpoint).sendMessages(keystore(), [message()]));
    assert.ok(stranger instanceof MixinRefusedError);
    assert.match(stranger.message, /401 Unauthorized/);
  }));

Deno.test("a keystore that is no good is refused before anything is sent", () =>
  withMixin(async (server) => {
    knowBot(server);
    const bad = [
      ...[keystore({ session_private_key: "x" }), keystore({ session_id: 7 })],
      ...[keystore({ app_id: CLIENT_ID }), { clientId: BOT_ID, keystore: "no JSON" }],
    ];
    for (const bot of bad) {
      const error = await failureOf(at(server.endpoint).sendMessages(bot, [message()]));
      assert.ok(error instanceof MixinRefusedError);
    }
    assert.deepEqual(server.asked, []);
  }));

const answering = (code: number) => () =>
  Response.json({ error: { status: code, code, description: "so it is" } });
const PASSING: Record<string, () => Response> = {
  "HTTP 500": () => new Response("upstream", { status: 500 }),
  "HTTP 429": () => Response.json({}, { status: 429 }),
  "too many calls": answering(429),
  "a fault of theirs": answering(500),
  "another fault of theirs": answering(7000),
  "a page": () => new Response("<html>"),
  "nothing": () => new Response(""),
  "JSON that is no object": () => new Response("[]"),
  "a redirection": () => new Response(null, { status: 302, headers: { location: "/elsewhere" } }),
  "an answer without end": () =>
    new Response(
      new ReadableStream({
        pull: (controller) => controller.enqueue(new Uint8Array(16_384).fill(32)),
      }),
    ),
};

for (const [what, answer] of Object.entries(PASSING)) {
  Deno.test(`${what} is a failure that may pass, asked for once`, () =>
    withMixin(async (server) => {
      knowBot(server);
      const mixin = at(server.endpoint);
      const calls = [mixin.exchangeCode(CODE), mixin.sendMessages(keystore(), [message()])];
      for (const call of calls) {
        const error = await failureOf(call);
        assert.ok(!(error instanceof MixinRefusedError), error.message);
        assert.match(error.message, /^Mixin: /);
      }
      assert.equal(server.asked.length, 2);
    }, answer));
}

const FINAL: Record<string, () => Response> = {
  "HTTP 403": () => Response.json({}, { status: 403 }),
  "forbidden": answering(403),
  "an invalid field": answering(10002),
};

for (const [what, answer] of Object.entries(FINAL)) {
  Deno.test(`${what} is for good`, () =>
    withMixin(async ({ endpoint }) => {
      const error = await failureOf(at(endpoint).sendMessages(keystore(), [message()]));
      assert.ok(error instanceof MixinRefusedError, error.message);
    }, answer));
}

Deno.test("a login answer without what was asked for is a failure", () =>
  withMixin(async ({ endpoint }) => {
    const error = await failureOf(at(endpoint).exchangeCode(CODE));
    assert.equal(error.message, "Mixin: answered without what was asked for");
  }, () => Response.json({ data: { authorization_id: "7", scope: 7, user_id: "../me" } })));

Deno.test("a service that never answers is given up at the deadline", async () => {
  const { promise: late, resolve } = Promise.withResolvers<Response>();
  await withMixin(async ({ endpoint }) => {
    const failure = await at(endpoint, { timeoutMs: 200 }).exchangeCode(CODE).catch((e) => e);
    resolve(new Response());
    const error = await failureOf(Promise.reject(failure));
    assert.match(error.message, /did not answer within 200 ms|timeout of 200ms/);
    assert.ok(!(error instanceof MixinRefusedError));
  }, () => late);
});

Deno.test("a service that cannot be reached is a failure that may pass", async () => {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const { port } = listener.addr;
  listener.close();
  const error = await failureOf(at(`http://127.0.0.1:${port}`).exchangeCode(CODE));
  assert.ok(!(error instanceof MixinRefusedError));
  assert.match(error.message, /refused/i);
});

Deno.test("the development provider believes who says who they are, and keeps messages once", async () => {
  const outbox = new Outbox();
  const mixin = developmentMixin(outbox);
  const named = { userId: USER_ID, name: "developer" };
  for (const code of [`dev:${USER_ID}`, `dev:${USER_ID.toUpperCase()}`, `dev:${USER_ID}:again`]) {
    assert.deepEqual(await mixin.exchangeCode(code), named);
  }
  for (const code of ["", USER_ID, "dev:", `dev:${USER_ID}x`, `x dev:${USER_ID}`]) {
    await assert.rejects(mixin.exchangeCode(code), MixinRefusedError);
  }
  const sent = message();
  for (let time = 0; time < 2; time++) await mixin.sendMessages(keystore(), [sent]);
  const [kept, ...more] = outbox.list();
  assert.deepEqual([kept!.kind, kept!.to, kept!.text, more], ["mixin", USER_ID, "周五见", []]);
});

Deno.test("a call takes a hundred short messages, and of long ones as many as fit", () => {
  assert.equal(messagesPerCall("hi"), 100);
  assert.equal(messagesPerCall("字".repeat(5_000)), 6);
  assert.equal(messagesPerCall("字".repeat(100_000)), 1);
});

Deno.test("production needs Mixin's id and secret, and elsewhere they come together", async () => {
  const read = (env: Record<string, string>) =>
    readConfig(env, () => ({ secretKey: "k".repeat(32) }));
  const both = { MIXIN_CLIENT_ID: CLIENT_ID, MIXIN_CLIENT_SECRET: CLIENT_SECRET };
  assert.throws(() => read({ APP_ENV: "production" }), /MIXIN_CLIENT_ID, MIXIN_CLIENT_SECRET/);
  assert.throws(() => read({ MIXIN_CLIENT_ID: CLIENT_ID }), /MIXIN_CLIENT_SECRET/);
  assert.throws(() => read({ ...both, MIXIN_CLIENT_ID: "x" }), /MIXIN_CLIENT_ID/);
  assert.equal(read({}).mixin, undefined);
  assert.deepEqual(read({ ...both, MIXIN_ENDPOINT: "https://mixin-api.zeromesh.net/" }).mixin, {
    clientId: CLIENT_ID,
    clientSecret: CLIENT_SECRET,
    endpoint: "https://mixin-api.zeromesh.net",
  });
  const { mixin } = openProviders(read(both));
  await assert.rejects(mixin.sendMessages({ clientId: "x", keystore: "{}" }, []), /keystore/);
  const development = openProviders(read({}));
  assert.equal((await development.mixin.exchangeCode(`dev:${USER_ID}`)).userId, USER_ID);
});
