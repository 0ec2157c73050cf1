import assert from "node:assert/strict";
import process from "node:process";
import { BODY_TIMEOUT_MS, CallerGoneError, readBody } from "../../routes/body.ts";
import { readInput } from "../../routes/input.ts";
import { gatewayRequest } from "../clients/gateway.ts";
import { startTestApp } from "../harness.ts";

const JSON_TYPE = "application/json";
const FORM_TYPE = "application/x-www-form-urlencoded";

function read(body: BodyInit | null, type = JSON_TYPE, query = "") {
  const request = new Request(`http://plaza.test/x${query}`, {
    method: "POST",
    headers: { "Content-Type": type },
    body,
  });
  return readInput(request, {}, { bodyBytesMax: 4 * 1024 * 1024 });
}

const isMalformed = (text: RegExp) => (error: unknown) =>
  (error as { kind?: string }).kind === "request_malformed" && text.test((error as Error).message);

const names = (count: number, prefix = "n") =>
  Array.from({ length: count }, (_, at) => prefix + at);

Deno.test("a call has at most 1,000 parameters, wherever they stand", async () => {
  const form = (count: number) => names(count).map((name) => `${name}=1`).join("&");
  const json = (count: number) =>
    JSON.stringify(Object.fromEntries(names(count).map((n) => [n, 1])));
  const tooMany = isMalformed(/参数不能超过1000个/);
  assert.equal(Object.keys((await read(form(1000), FORM_TYPE)).body as object).length, 1000);
  await assert.rejects(read(form(1001), FORM_TYPE), tooMany);
  assert.equal(Object.keys((await read(json(1000))).body as object).length, 1000);
  await assert.rejects(read(json(1001)), tooMany);
  await assert.rejects(read(json(600), JSON_TYPE, `?${form(401)}`), tooMany);
  // Parts of lists and of inner objects are no parameters.
  const members = {
    members: names(10_000),
    of: Object.fromEntries(names(2_000).map((n) => [n, 1])),
  };
  assert.deepEqual((await read(JSON.stringify(members))).body, members);
});

Deno.test("as many names as a body has room for are refused in no time, and delay nobody", async () => {
  await using app = await startTestApp();
  const many = names(80_000);
  const form = many.map((name) => `${name}=1`).join("&");
  const json = JSON.stringify(Object.fromEntries(many.map((name) => [name, 1])));
  const few = names(900).map((name) => `${name}=1`).join("&");
  const calls = [["", FORM_TYPE, form], ["", JSON_TYPE, json], [
    `?${few}`,
    JSON_TYPE,
    json,
  ]] as const;
  // Ten seconds each where every name is compared with all others: the deadline meets no other way.
  const signal = AbortSignal.timeout(10_000);
  const late = new Promise<never>((_, reject) => signal.onabort = () => reject(signal.reason));
  const answers = Array.from({ length: 4 }, () => calls).flat().map(
    async ([search, type, body]) => {
      const url = `http://plaza.test/account/captcha${search}`;
      const headers = { "Content-Type": type };
      return (await app.fetch(new Request(url, { method: "POST", headers, body }))).status;
    },
  );
  const health = app.fetch(new Request("http://plaza.test/healthz"));
  assert.equal((await Promise.race([health, late])).status, 200);
  assert.deepEqual(new Set(await Promise.race([Promise.all(answers), late])), new Set([400]));
});

Deno.test("JSON deeper than 32 levels is refused, whatever stands at its bottom", async () => {
  const deep = (levels: number) => "[".repeat(levels) + "]".repeat(levels);
  await read(deep(32));
  for (
    const text of [
      deep(33),
      deep(20_000),
      `{"a":${deep(32)}}`,
      `{"a":${deep(3_000)},"u":"\\u0000"}`,
    ]
  ) {
    await assert.rejects(read(text), isMalformed(/JSON/));
  }
  await read(JSON.stringify({ a: "[".repeat(100) + '"{{{' }));
});

Deno.test("what is no UTF-8 is refused, in bytes, in escapes and by its charset", async () => {
  const wrong = isMalformed(/编码不正确，应为 UTF-8/);
  const gbk = Uint8Array.from([...new TextEncoder().encode('{"name":"'), 0xd5, 0xc5, 0x22, 0x7d]);
  await assert.rejects(read(gbk), wrong);
  await assert.rejects(read("name=%D5%C5", FORM_TYPE), wrong);
  await assert.rejects(read(null, JSON_TYPE, "?name=%D5%C5"), wrong);
  await assert.rejects(read("{}", `${JSON_TYPE}; charset=gbk`), wrong);
  for (const charset of ["utf-8", "UTF8", '"utf-8"', "us-ascii"]) {
    assert.deepEqual((await read("{}", `${JSON_TYPE}; charset=${charset}`)).body, {});
  }
  assert.deepEqual((await read("name=100%&b=%E5%BC%A0", FORM_TYPE)).body, {
    name: "100%",
    b: "张",
  });
});

Deno.test("what begins as JSON does is JSON, whatever its type; the rest has to say what it is", async () => {
  const types = ["text/plain", FORM_TYPE, "", "multipart/form-data; boundary=x", "application/xml"];
  for (const type of types) {
    for (const text of ['{"a":"1&b=2"}', ' \r\n\t{"a":"1&b=2"}']) {
      const { body, isJson } = await read(new TextEncoder().encode(text), type);
      assert.deepEqual([body, isJson], [{ a: "1&b=2" }, true], type);
    }
    assert.deepEqual((await read(new TextEncoder().encode("[1]"), type)).body, [1], type);
    await assert.rejects(read(new TextEncoder().encode("{a"), type), isMalformed(/JSON/), type);
    const form = read(new TextEncoder().encode("a=1&b=%7B"), type);
    if (type === FORM_TYPE) assert.deepEqual((await form).body, { a: "1", b: "{" });
    else await assert.rejects(form, isMalformed(/不支持的 Content-Type/), type);
  }
  assert.deepEqual((await read('"text"')).body, "text");
  await assert.rejects(
    read(new TextEncoder().encode('"text"'), "text/plain"),
    isMalformed(/不支持的 Content-Type/),
  );
});

Deno.test("half of a character becomes U+FFFD, in keys too; NUL stays refused", async () => {
  const { body } = await read('{"a":["x\\ud800"],"b\\udfff":{"c":"\\ud83d\\ude00"}}');
  assert.deepEqual(body, { a: ["x\ufffd"], "b\ufffd": { c: "😀" } });
  await assert.rejects(read('{"a":"\\u0000"}'), isMalformed(/不可用的字符/));
});

Deno.test("names that stand twice are told, in query, form and JSON alike", async () => {
  assert.deepEqual((await read('{"a":1,"a":2}')).repeatedNames, ["a"]);
  assert.deepEqual((await read("a=1&a=2", FORM_TYPE, "?b=1&b=2")).repeatedNames, ["b", "a"]);
});

Deno.test("a body has its time over all, and whoever goes away is told apart", async (t) => {
  const bodyOf = (pull: (controller: ReadableStreamDefaultController<Uint8Array>) => void) =>
    new Request("http://plaza.test/", {
      method: "POST",
      body: new ReadableStream({ pull }, { highWaterMark: 0 }),
    });
  const drain = async (request: Request, limits: { timeoutMs?: number; silenceMs?: number }) => {
    for await (const _ of readBody(request, { bytesMax: 1_000, ...limits }));
  };
  const isLate = (error: unknown) => (error as { kind?: string }).kind === "request_timeout";
  assert.equal(BODY_TIMEOUT_MS, 15_000);

  await t.step("silence ends it", async () => {
    await assert.rejects(drain(bodyOf(() => new Promise(() => {})), { silenceMs: 20 }), isLate);
  });
  await t.step("a byte now and then does not help", async () => {
    const request = bodyOf(async (controller) => {
      await new Promise((resolve) => setTimeout(resolve, 10));
      controller.enqueue(Uint8Array.of(65));
    });
    await assert.rejects(drain(request, { timeoutMs: 60 }), isLate);
  });
  await t.step("time that has run out while a piece was used is not waited for", async () => {
    const warnings: string[] = [];
    const hear = ({ message }: Error) => warnings.push(message);
    process.on("warning", hear);
    const request = bodyOf((controller) => controller.enqueue(Uint8Array.of(65)));
    const pieces = readBody(request, { bytesMax: 1_000, timeoutMs: 1 });
    await pieces.next();
    await new Promise((resolve) => setTimeout(resolve, 10));
    await pieces.next();
    await new Promise((resolve) => setTimeout(resolve, 0));
    process.off("warning", hear);
    assert.deepEqual(warnings, []);
    await pieces.return(undefined);
  });
  await t.step("the caller's end is no failure of ours", async () => {
    const request = bodyOf((controller) => controller.error(new Error("BadResource")));
    await assert.rejects(drain(request, {}), CallerGoneError);
  });
});

Deno.test("who goes away in the middle of a body is one line of the access log, as 499", async () => {
  await using app = await startTestApp();
  const response = await app.fetch(
    new Request("http://plaza.test/user/login", {
      method: "POST",
      headers: { "Content-Type": JSON_TYPE },
      body: new ReadableStream({ pull: (it) => it.error(new Error("gone")) }, { highWaterMark: 0 }),
    }),
  );
  assert.equal(response.status, 499);
  const lines = app.logs.filter(({ msg }) => msg === "request");
  assert.deepEqual(lines.map(({ level, status }) => [level, status]), [["info", 499]]);
});

Deno.test("a signed call with thousands of names is refused before its signature is looked at", async () => {
  await using app = await startTestApp();
  const many = Object.fromEntries(names(1_001).map((name) => [name, "1"]));
  const response = await app.fetch(gatewayRequest(app, "POST", "/app/feedback", { body: many }));
  assert.equal(response.status, 400);
  assert.match((await response.json()).message, /参数不能超过1000个/);
});
