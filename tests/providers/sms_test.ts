import assert from "node:assert/strict";
import { DeadlineError } from "../../config/runtime/deadline.ts";
import { Outbox } from "../../providers/outbox.ts";
import {
  aliyunSms,
  type AliyunSmsOptions,
  signCall,
  SmsRefusedError,
} from "../../providers/sms_aliyun.ts";
import { developmentSms } from "../../providers/sms_development.ts";
import { answerWith, KEY_ID, SECRET, withAliyun } from "./aliyun_stand_in.ts";

const CODE = "482915";
const MESSAGE = { to: "8613800138000", code: CODE };

function smsAt(
  endpoint: string,
  { signName = "Plaza", accessKeySecret = SECRET, ...options }:
    & AliyunSmsOptions
    & { signName?: string; accessKeySecret?: string } = {},
) {
  const templateCode = "SMS_154950909";
  return aliyunSms(
    { endpoint, accessKeyId: KEY_ID, accessKeySecret, signName, templateCode },
    options,
  );
}

/** Sends, expects a failure, and proves that printing it whole gives nothing away. */
async function failureOf(send: Promise<void>): Promise<Error> {
  const error = await send.then(() => assert.fail("the message was accepted"), (e: Error) => e);
  const printed = Deno.inspect(error) + error.message + error.stack + JSON.stringify(error);
  for (const secret of [CODE, SECRET, KEY_ID, "13800138000"]) {
    assert.ok(!printed.includes(secret), `${secret} is in: ${printed}`);
  }
  return error;
}

Deno.test("signing gives the signature of Aliyun's documented example", () => {
  const headers = signCall({
    method: "POST",
    host: "ecs.cn-shanghai.aliyuncs.com",
    path: "/",
    parameters: {
      RegionId: "cn-shanghai",
      ImageId: "win2019_1809_x64_dtc_zh-cn_40G_alibase_20230811.vhd",
    },
    action: "RunInstances",
    version: "2014-05-26",
    at: new Date("2023-10-26T10:22:32.987Z"),
    nonce: "3156853299f313e23d1673dc12e1703d",
  }, { accessKeyId: "YourAccessKeyId", accessKeySecret: "YourAccessKeySecret" });
  assert.equal(
    headers.authorization,
    "ACS3-HMAC-SHA256 Credential=YourAccessKeyId,SignedHeaders=host;x-acs-action;" +
      "x-acs-content-sha256;x-acs-date;x-acs-signature-nonce;x-acs-version,Signature=" +
      "06563a9e1b43f5dfe96b81484da74bceab24a1d853912eee15083a6f0f3283c0",
  );
  assert.equal(headers["x-acs-date"], "2023-10-26T10:22:32Z");
});

Deno.test("a mainland number is sent without its country code, with sign, template and code", () =>
  withAliyun(async ({ endpoint, sent }) => {
    await smsAt(endpoint).sendCode(MESSAGE);
    assert.deepEqual(sent, [{
      PhoneNumbers: "13800138000",
      SignName: "Plaza",
      TemplateCode: "SMS_154950909",
      TemplateParam: `{"code":"${CODE}"}`,
    }]);
  }));

Deno.test("numbers of other countries keep their country code, also those beginning with 8", () =>
  withAliyun(async ({ endpoint, sent }) => {
    const abroad = ["85212345678", "886912345678", "8801712345678", "14155550123"];
    for (const to of abroad) await smsAt(endpoint).sendCode({ to, code: CODE });
    assert.deepEqual(sent.map((message) => message.PhoneNumbers), abroad);
  }));

Deno.test("a list of numbers or anything else but digits is refused before any call", () =>
  withAliyun(async ({ endpoint, sent }) => {
    for (const to of ["8613800138000,8613800138001", "+8613800138000", "86 138", ""]) {
      assert.match(
        (await failureOf(smsAt(endpoint).sendCode({ to, code: CODE }))).message,
        /digits/,
      );
    }
    assert.equal(sent.length, 0);
  }));

Deno.test("sign names outside ASCII and with reserved characters arrive as they are", () =>
  withAliyun(async ({ endpoint, sent }) => {
    const names = ["广场社区", "a b+c*d~e/f&g=h", "!'()-_.", "🎪"];
    for (const signName of names) await smsAt(endpoint, { signName }).sendCode(MESSAGE);
    assert.deepEqual(sent.map((message) => message.SignName), names);
  }));

Deno.test("every call has its own nonce; a repeated one is refused", () =>
  withAliyun(async ({ endpoint, sent }) => {
    const sms = smsAt(endpoint);
    for (let i = 0; i < 5; i++) await sms.sendCode(MESSAGE);
    const repeating = smsAt(endpoint, { nonce: () => "the same" });
    await repeating.sendCode(MESSAGE);
    const error = await failureOf(repeating.sendCode(MESSAGE));
    assert.equal((error as SmsRefusedError).reason, "SignatureNonceUsed");
    assert.equal(sent.length, 6);
  }));

Deno.test("a wrong secret is refused, and the quoted request stays out of the error", () =>
  withAliyun(async ({ endpoint, sent }) => {
    const sms = smsAt(endpoint, { accessKeySecret: "another secret" });
    const error = await failureOf(sms.sendCode(MESSAGE));
    assert.ok(error instanceof SmsRefusedError);
    assert.equal(error.reason, "SignatureDoesNotMatch");
    assert.ok(!error.message.includes("another secret"));
    assert.equal(sent.length, 0);
  }));

Deno.test("a clock 16 minutes off is refused", () =>
  withAliyun(async ({ endpoint }) => {
    const sms = smsAt(endpoint, { now: () => new Date(Date.now() - 16 * 60_000) });
    const error = await failureOf(sms.sendCode(MESSAGE));
    assert.equal((error as SmsRefusedError).reason, "InvalidTimeStamp.Expired");
  }));

Deno.test("a refusal says Aliyun's code and message, and is not tried again", () =>
  withAliyun(async ({ endpoint, sent }) => {
    const error = await failureOf(smsAt(endpoint).sendCode(MESSAGE));
    assert.ok(error instanceof SmsRefusedError);
    assert.equal(error.reason, "isv.BUSINESS_LIMIT_CONTROL");
    assert.match(error.message, /触发小时级流控Permits:5/);
    assert.match(error.message, /8906582E-6722-4D16-B5A6-3E6A1F0A5B7C/);
    assert.equal(sent.length, 1);
  }, () => answerWith(200, "isv.BUSINESS_LIMIT_CONTROL", "触发小时级流控Permits:5")));

Deno.test("a refusal that quotes code, number and keys is told without them and in short", () =>
  withAliyun(
    async ({ endpoint }) => {
      const error = await failureOf(smsAt(endpoint).sendCode(MESSAGE));
      assert.ok(error.message.length < 300);
    },
    () =>
      answerWith(400, `isv.${CODE}`, `${"x".repeat(50)} ${CODE} ${SECRET} ${KEY_ID} `.repeat(100)),
  ));

const UNREADABLE: Record<string, () => Response> = {
  "HTTP 500 without a reason": () => new Response("upstream failed", { status: 500 }),
  "HTTP 500 that claims success": () => answerWith(500, "OK", "OK"),
  "a page instead of JSON": () => new Response("<html>hello</html>"),
  "JSON that is no object": () => new Response("null"),
  "an object without a code": () => Response.json({ Code: 7 }),
  "an empty answer": () => new Response(null),
  "a redirection": () => Response.redirect("http://127.0.0.1:1/elsewhere"),
};

for (const [what, answer] of Object.entries(UNREADABLE)) {
  Deno.test(`${what} is a failure, and the call is made once`, () =>
    withAliyun(async ({ endpoint, sent }) => {
      const error = await failureOf(smsAt(endpoint).sendCode(MESSAGE));
      assert.match(error.message, /^Aliyun SMS: answered HTTP \d{3} in an unknown form$/);
      assert.equal(sent.length, 1);
    }, answer));
}

Deno.test("an answer without end is given up after 64 KiB", async () => {
  let offeredBytes = 0;
  const { promise: cancelled, resolve: cancel } = Promise.withResolvers<void>();
  const endless = () =>
    new Response(
      new ReadableStream({
        pull(controller) {
          offeredBytes += 16_384;
          controller.enqueue(new Uint8Array(16_384).fill(32));
        },
        cancel: () => cancel(),
      }),
    );
  await withAliyun(async ({ endpoint }) => {
    const error = await failureOf(smsAt(endpoint, { timeoutMs: 60_000 }).sendCode(MESSAGE));
    assert.match(error.message, /too great a length/);
    await cancelled;
  }, endless);
  assert.ok(offeredBytes < 64 * 1024 * 1024);
});

Deno.test("a service that never answers is given up at the deadline", async () => {
  const { promise: late, resolve } = Promise.withResolvers<Response>();
  // So that a missing deadline is a failure and not a hang.
  const timer = setTimeout(() => resolve(answerWith(200, "OK", "OK")), 5_000);
  await withAliyun(async ({ endpoint, sent }) => {
    try {
      const error = await failureOf(smsAt(endpoint, { timeoutMs: 200 }).sendCode(MESSAGE));
      assert.ok(error instanceof DeadlineError);
      assert.equal(sent.length, 1);
    } finally {
      clearTimeout(timer);
      resolve(new Response());
    }
  }, () => late);
});

Deno.test("a service that stops in the middle of its answer is given up at the deadline", async () => {
  let stop = () => {};
  const stalled = () =>
    new Response(
      new ReadableStream({
        start(controller) {
          controller.enqueue(new TextEncoder().encode('{"Code":"OK"'));
          const timer = setTimeout(() => controller.close(), 5_000);
          stop = () => clearTimeout(timer);
        },
        cancel: () => stop(),
      }),
    );
  await withAliyun(async ({ endpoint }) => {
    const error = await failureOf(smsAt(endpoint, { timeoutMs: 200 }).sendCode(MESSAGE));
    assert.ok(error instanceof DeadlineError);
  }, stalled);
});

Deno.test("a service that cannot be reached is a failure that says why", async () => {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const { port } = listener.addr;
  listener.close();
  const error = await failureOf(smsAt(`http://127.0.0.1:${port}`).sendCode(MESSAGE));
  assert.match(error.message, /refused/i);
  assert.ok(!error.message.includes("TemplateParam"));
});

Deno.test("the development provider keeps codes newest first, to be asked by number", async () => {
  const outbox = new Outbox();
  const sms = developmentSms(outbox);
  const before = Date.now();
  await sms.sendCode({ to: "8613800138000", code: "111111" });
  await sms.sendCode({ to: "85212345678", code: "222222" });
  await sms.sendCode({ to: "8613800138000", code: "333333" });
  assert.deepEqual(outbox.list().map((item) => item.code), ["333333", "222222", "111111"]);
  const [newest, ...older] = outbox.list({ to: "8613800138000" });
  assert.deepEqual(Object.keys(newest!), ["kind", "to", "code", "text", "at"]);
  assert.equal(newest!.kind, "sms");
  assert.equal(newest!.code, "333333");
  assert.match(newest!.text, /333333/);
  assert.ok(newest!.at >= before && newest!.at <= Date.now());
  assert.deepEqual(older.map((item) => item.code), ["111111"]);
  assert.deepEqual(outbox.list({ to: "8613800138001" }), []);
});

Deno.test("the outbox forgets the oldest beyond a thousand and takes messages without a code", () => {
  const outbox = new Outbox();
  for (let i = 1; i <= 1_003; i++) outbox.put({ kind: "push", to: "device", text: `n${i}` });
  const kept = outbox.list();
  assert.equal(kept.length, 1_000);
  assert.equal(kept[0]!.text, "n1003");
  assert.equal(kept.at(-1)!.text, "n4");
  assert.ok(!("code" in kept[0]!));
});
