import assert from "node:assert/strict";
import { readConfig } from "../../config/config.ts";
import { DeadlineError } from "../../config/runtime/deadline.ts";
import { Outbox } from "../../providers/outbox.ts";
import { openProviders } from "../../providers/providers.ts";
import {
  DEVICE_TYPES,
  type Push,
  pushByType,
  PushRefusedError,
  UnservedDeviceError,
} from "../../providers/push.ts";
import { developmentPush } from "../../providers/push_development.ts";
import { jpush } from "../../providers/push_jpush.ts";

const APP_KEY = "7d431e42dfa6a6d693ac2d04";
const MASTER_SECRET = "5e987ac6d2e04d95a9d8f0d1";
const MESSAGE = {
  deviceType: "JPUSH" as const,
  bundleId: "",
  token: "161a3797c87cc173a10",
  title: "Jazz",
  content: "Toby 开启了活动",
  url: "plaza://room/cda55a0bfb834f5ab18eb0867f01017a",
  id: "0f8fad5b-d9cb-869f-a165-70867728950e",
};

// deno-lint-ignore no-explicit-any -- what JPush was sent, looked at key by key
type Sent = any;

/** Runs `body` against a stand-in that checks credentials as JPush documents them. */
async function withJpush(
  body: (endpoint: string, sent: Sent[]) => Promise<void>,
  answer: (sent: Sent) => Response | Promise<Response> = () =>
    Response.json({ sendno: "18", msg_id: "1828256757" }),
): Promise<void> {
  const sent: Sent[] = [];
  const server = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen() {} }, async (request) => {
    const given = atob(request.headers.get("authorization")?.replace("Basic ", "") ?? "");
    if (given !== `${APP_KEY}:${MASTER_SECRET}`) {
      await request.body?.cancel();
      const message = `Authen failed for ${given}`;
      return Response.json({ error: { code: 1004, message } }, { status: 401 });
    }
    assert.equal(`${request.method} ${new URL(request.url).pathname}`, "POST /v3/push");
    assert.equal(request.headers.get("content-type"), "application/json");
    sent.push(await request.json());
    return await answer(sent.at(-1));
  });
  try {
    await body(`http://127.0.0.1:${server.addr.port}`, sent);
  } finally {
    await server.shutdown();
  }
}

const at = (endpoint: string, { masterSecret = MASTER_SECRET, timeoutMs = 5_000 } = {}) =>
  jpush({ endpoint, appKey: APP_KEY, masterSecret }, { timeoutMs });

/** Sends, expects a failure, and proves that printing it whole gives nothing away. */
async function failureOf(send: Promise<void>): Promise<Error> {
  const error = await send.then(() => assert.fail("it was accepted"), (e: Error) => e);
  const printed = Deno.inspect(error) + error.message + error.stack + JSON.stringify(error);
  for (
    const secret of [MASTER_SECRET, APP_KEY, MESSAGE.token, btoa(`${APP_KEY}:${MASTER_SECRET}`)]
  ) {
    assert.ok(!printed.includes(secret), `${secret} is in: ${printed}`);
  }
  return error;
}

const refusal = (status: number, code: number, message: string) => () =>
  Response.json({ error: { code, message } }, { status });

Deno.test("a message goes to one device, for both systems, with its link and its cid", () =>
  withJpush(async (endpoint, sent) => {
    await at(endpoint).send(MESSAGE);
    const [{ cid, platform, audience, notification }] = sent;
    assert.equal(cid, `${APP_KEY}-${MESSAGE.id}`);
    assert.deepEqual(platform, ["android", "ios"]);
    assert.deepEqual(audience, { registration_id: [MESSAGE.token] });
    assert.equal(notification.android.alert, MESSAGE.content);
    assert.equal(notification.android.title, MESSAGE.title);
    assert.deepEqual(notification.ios.alert, { title: MESSAGE.title, body: MESSAGE.content });
    assert.equal(notification.android.extras.url, MESSAGE.url);
    assert.equal(notification.ios.extras.url, MESSAGE.url);
  }));

Deno.test("a badge, and who wants no sound or vibration, reach both systems", () =>
  withJpush(async (endpoint, sent) => {
    await at(endpoint).send({ ...MESSAGE, badge: 7, sounds: false });
    await at(endpoint).send({ ...MESSAGE, vibrates: false });
    const [quiet, still] = sent.map(({ notification }) => notification);
    assert.deepEqual([quiet.android.badge_set_num, quiet.ios.badge], [7, 7]);
    assert.deepEqual([quiet.android.alert_type & 3, quiet.ios.sound], [2, ""]);
    assert.deepEqual([still.android.alert_type & 3, still.ios.sound], [1, "default"]);
    assert.ok(!("badge" in still.ios) && !("badge_set_num" in still.android));
  }));

Deno.test("the same message sent again has the same cid", () =>
  withJpush(async (endpoint, sent) => {
    await at(endpoint).send(MESSAGE);
    await at(endpoint).send(MESSAGE);
    assert.equal(sent[0].cid, sent[1].cid);
  }));

Deno.test("wrong credentials are refused for good, and stay out of the error", () =>
  withJpush(async (endpoint, sent) => {
    const error = await failureOf(at(endpoint, { masterSecret: "another one" }).send(MESSAGE));
    assert.ok(error instanceof PushRefusedError);
    assert.match(error.message, /401.*1004/);
    assert.ok(!error.message.includes("another one"));
    assert.equal(sent.length, 0);
  }));

for (const [status, isFinal] of [[400, true], [403, true], [429, false], [500, false]] as const) {
  Deno.test(`HTTP ${status} is ${isFinal ? "final" : "worth another try"}`, () =>
    withJpush(async (endpoint) => {
      const error = await failureOf(at(endpoint).send(MESSAGE));
      assert.equal(error instanceof PushRefusedError, isFinal);
      assert.match(error.message, new RegExp(`HTTP ${status}: 1003 bad parameter`));
    }, refusal(status, 1003, "bad parameter")));
}

Deno.test("a device JPush does not know is told apart from other refusals", async () => {
  const goneAt = async (code: number) => {
    let isGone: boolean | undefined;
    await withJpush(async (endpoint) => {
      const error = await failureOf(at(endpoint).send(MESSAGE));
      isGone = (error as PushRefusedError).isDeviceGone;
    }, refusal(400, code, `cannot find user by this audience ${MESSAGE.token}`));
    return isGone;
  };
  assert.equal(await goneAt(1011), true);
  assert.equal(await goneAt(1003), false);
});

Deno.test("an answer that says nothing is still an answer", () =>
  withJpush((endpoint) => at(endpoint).send(MESSAGE), () => new Response("")));

Deno.test("a page instead of an answer, and a redirection, are failures to try again", async () => {
  const answers = [
    () => new Response("<html>", { status: 502 }),
    () => Response.redirect("http://127.0.0.1:1/elsewhere"),
  ];
  for (const answer of answers) {
    await withJpush(async (endpoint) => {
      const error = await failureOf(at(endpoint).send(MESSAGE));
      assert.equal(error instanceof PushRefusedError, false);
      assert.match(error.message, /answered HTTP/);
    }, answer);
  }
});

Deno.test("a service that never answers is given up at the deadline", async () => {
  const { promise: late, resolve } = Promise.withResolvers<Response>();
  const timer = setTimeout(() => resolve(new Response()), 5_000);
  await withJpush(async (endpoint) => {
    const error = await failureOf(at(endpoint, { timeoutMs: 200 }).send(MESSAGE));
    assert.ok(error instanceof DeadlineError);
    clearTimeout(timer);
    resolve(new Response());
  }, () => late);
});

Deno.test("an answer without end is given up after 64 KiB", () =>
  withJpush(async (endpoint) => {
    const error = await failureOf(at(endpoint).send(MESSAGE));
    assert.match(error.message, /too great a length/);
  }, () =>
    new Response(
      new ReadableStream({
        pull: (controller) => controller.enqueue(new Uint8Array(16_384).fill(32)),
      }),
    )));

Deno.test("a service that cannot be reached is a failure that says why", async () => {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const { port } = listener.addr;
  listener.close();
  assert.match((await failureOf(at(`http://127.0.0.1:${port}`).send(MESSAGE))).message, /refused/i);
});

Deno.test("the development provider keeps a message once, however often it is sent", async () => {
  const outbox = new Outbox();
  const push = developmentPush(outbox);
  await push.send(MESSAGE);
  await push.send(MESSAGE);
  await push.send({ ...MESSAGE, badge: 2, id: crypto.randomUUID() });
  const kept = outbox.list({ to: MESSAGE.token });
  assert.deepEqual(kept.map(({ badge }) => badge), [2, undefined]);
  assert.equal(kept[0]!.kind, "push");
  for (const part of [MESSAGE.title, MESSAGE.content, MESSAGE.url]) {
    assert.ok(kept[0]!.text.includes(part));
  }
});

Deno.test("a message goes by the service of its device; where there is none it says so", async () => {
  const sent: string[] = [];
  const service = (name: string): Push => ({
    send: ({ token }) => Promise.resolve(void sent.push(`${name} ${token}`)),
  });
  const push = pushByType({ JPUSH: service("jpush"), IOS: service("apple") });
  await push.send(MESSAGE);
  await push.send({ ...MESSAGE, deviceType: "IOS" });
  await assert.rejects(push.send({ ...MESSAGE, deviceType: "MI" }), UnservedDeviceError);
  assert.deepEqual(sent, [`jpush ${MESSAGE.token}`, `apple ${MESSAGE.token}`]);
});

Deno.test("outside of production the outbox takes what has no service", async () => {
  const { push, outbox } = openProviders(readConfig({}, () => ({ secretKey: "k".repeat(32) })));
  for (const deviceType of DEVICE_TYPES) {
    await push.send({ ...MESSAGE, deviceType, id: crypto.randomUUID() });
  }
  assert.equal(outbox!.list({ to: MESSAGE.token }).length, DEVICE_TYPES.length);
});

Deno.test("production needs JPush's key and secret, and half of them is refused anywhere", () => {
  const read = (env: Record<string, string>) =>
    readConfig(env, () => ({ secretKey: "k".repeat(32) }));
  assert.throws(() => read({ APP_ENV: "production" }), /JPUSH_APP_KEY, JPUSH_MASTER_SECRET/);
  assert.throws(() => read({ JPUSH_APP_KEY: APP_KEY }), /missing: JPUSH_MASTER_SECRET$/);
  assert.throws(() => read({ JPUSH_MASTER_SECRET: MASTER_SECRET }), /missing: JPUSH_APP_KEY$/);
  assert.equal(read({}).jpush, undefined);
  assert.deepEqual(read({ JPUSH_APP_KEY: APP_KEY, JPUSH_MASTER_SECRET: MASTER_SECRET }).jpush, {
    appKey: APP_KEY,
    masterSecret: MASTER_SECRET,
    endpoint: "https://api.jpush.cn",
  });
});
