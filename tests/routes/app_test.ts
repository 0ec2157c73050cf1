import assert from "node:assert/strict";
import { withTx } from "../../db/client/ctx.ts";
import { callGateway } from "../clients/gateway.ts";
import { startTestApp } from "../harness.ts";

const ENVELOPES: Record<string, (body: Record<string, unknown>) => boolean> = {
  gateway: (body) => body.status === 0 && body.errorCode === 0,
  im: (body) => typeof body.status === "number" && typeof body.msg === "string",
  partner: (body) => typeof (body.meta as { code?: unknown })?.code === "number",
  admin: (body) => typeof body.code === "number" && typeof body.message === "string",
  ops: (body) => typeof body.code === "number" && typeof body.msg === "string",
};

Deno.test("an unknown path is 404 in the envelope of the surface that fits best", async (t) => {
  await using app = await startTestApp();
  const cases: [path: string, surface: string, headers?: Record<string, string>][] = [
    ["/nowhere", "gateway"],
    ["/account/nowhere", "gateway"],
    ["/wallet/nowhere", "im"],
    ["/messages/nowhere", "partner"],
    ["/v1/admin/nowhere", "admin"],
    ["/v1/nowhere", "ops"],
    [`/groups/${"a".repeat(32)}/nowhere`, "im"],
    ["/groups/7000100001/nowhere", "partner"],
    ["/groups/7000100001/nowhere", "im", { token: "x" }],
    [`/groups/${"a".repeat(32)}/nowhere`, "partner", { Authorization: "Basic x" }],
    ["/groups/7000100001/nowhere", "partner", { token: "x", Authorization: "Basic x" }],
    [`/groups/${"a".repeat(32)}/nowhere`, "im", { token: "x", Authorization: "Basic x" }],
    ["/user/nowhere", "gateway", { Authorization: "Basic x" }],
    ["/user/nowhere", "im", { token: "x" }],
    ["/nowhere", "im", { token: "x" }],
    ["/api/v1/nowhere", "im"],
    ["/api/v1", "im"],
    ["/api/v1/account/logout", "im", { Authorization: "Basic x" }],
    ["/api/v1/user/profile", "im"],
    ["/api/v1/v1/groups", "im"],
    ["/api/v1/healthz", "im"],
    ["/api/v10/nowhere", "gateway"],
  ];
  for (const [path, surface, headers = {}] of cases) {
    await t.step(`${path} with ${Object.keys(headers)} is ${surface}'s`, async () => {
      const response = await app.fetch(new Request(`http://plaza.test${path}`, { headers }));
      const body = await response.json();
      assert.equal(response.status, 404);
      assert.ok(ENVELOPES[surface]!(body), JSON.stringify(body));
      for (const [other, fits] of Object.entries(ENVELOPES)) {
        if (other !== surface) assert.equal(fits(body), false, `also ${other}'s`);
      }
    });
  }
});

Deno.test("a wrong method is 405 with Allow, in the envelope", async () => {
  await using app = await startTestApp();
  const response = await app.fetch(new Request("http://plaza.test/account/logout"));
  assert.equal(response.status, 405);
  assert.equal(response.headers.get("allow"), "POST");
  const { status, message } = await response.json();
  assert.deepEqual([status, message], [0, "Method Not Allowed"]);
});

Deno.test("a wrong method is im's to refuse below /api/v1, and wherever a token comes alone", async () => {
  await using app = await startTestApp();
  const cases: [path: string, allow: string, headers?: Record<string, string>][] = [
    ["/api/v1/friend/sure", "POST"],
    ["/api/v1/users/current", "PUT"],
    ["/user/blacklists", "GET", { token: "x" }],
  ];
  for (const [path, allow, headers = {}] of cases) {
    const request = new Request(`http://plaza.test${path}`, { method: "PATCH", headers });
    const response = await app.fetch(request);
    assert.equal(response.status, 405, path);
    assert.ok(response.headers.get("allow")!.split(", ").includes(allow), path);
    assert.ok(ENVELOPES.im!(await response.json()), path);
  }
});

Deno.test("a sane request id is returned, any other is replaced", async () => {
  await using app = await startTestApp();
  const idFor = async (given: string) => {
    const request = new Request("http://plaza.test/", { headers: { "X-Request-Id": given } });
    return (await app.fetch(request)).headers.get("x-request-id");
  };
  assert.equal(await idFor("abc-123_DEF.4"), "abc-123_DEF.4");
  for (const bad of ["short", "x".repeat(65), 'evil" id', "tab\tid-12345"]) {
    assert.match((await idFor(bad))!, /^[0-9a-f-]{36}$/);
  }
});

Deno.test("the access log has one line a request, without query, headers or bodies", async () => {
  await using app = await startTestApp();
  await app.fetch(
    new Request("http://plaza.test/healthz?to=8613800138000", {
      headers: { Authorization: "Basic c2VjcmV0", "X-Request-Id": "request-1" },
    }),
  );
  assert.equal(app.logs.length, 1);
  const text = JSON.stringify(app.logs[0]);
  assert.equal(text.includes("13800138000") || text.includes("c2VjcmV0"), false, text);
  const { id, method, path, status } = app.logs[0]!;
  assert.deepEqual([id, method, path, status], ["request-1", "GET", "/healthz", 200]);
});

Deno.test("other origins may call, with every header the contracts use", async () => {
  await using app = await startTestApp();
  const preflight = await app.fetch(
    new Request("http://plaza.test/user/profile", {
      method: "OPTIONS",
      headers: { Origin: "https://app.example", "Access-Control-Request-Method": "PUT" },
    }),
  );
  assert.equal(preflight.status, 204);
  assert.equal(preflight.headers.get("access-control-allow-origin"), "*");
  const allowed = preflight.headers.get("access-control-allow-headers")!.toLowerCase();
  for (const name of ["authorization", "token", "group_id", "client-type", "content-type"]) {
    assert.ok(allowed.includes(name), name);
  }
  const answer = await app.fetch(new Request("http://plaza.test/user/profile"));
  const exposed = answer.headers.get("access-control-expose-headers")!;
  for (const name of ["X-Request-Id", "Retry-After", "Content-Disposition", "Allow"]) {
    assert.ok(exposed.includes(name), name);
  }
});

Deno.test("answers carry security headers", async () => {
  await using app = await startTestApp();
  const { headers } = await app.fetch(new Request("http://plaza.test/healthz"));
  assert.equal(headers.get("x-content-type-options"), "nosniff");
  assert.ok(headers.get("strict-transport-security"));
});

Deno.test("GET /healthz names version, parts and migration level", async () => {
  await using app = await startTestApp();
  const response = await app.fetch(new Request("http://plaza.test/healthz"));
  const health = await response.json();
  assert.equal(response.status, 200);
  assert.equal(health.status, "ok");
  assert.deepEqual(health.redis, { kind: "memory", reachable: true });
  assert.equal(health.database.reachable, true);
  assert.equal(health.database.pending_migrations, 0);
  assert.match(health.database.migration, /^\d{4}_/);
});

Deno.test("GET /openapi/gateway.json documents every mounted operation and its failures", async () => {
  await using app = await startTestApp();
  const text = await (await app.fetch(new Request("http://plaza.test/openapi/gateway.json")))
    .text();
  const document = JSON.parse(text);
  assert.equal(document.openapi, "3.1.0");
  const login = document.paths["/account/login/captcha"].post;
  assert.equal(login.security.length, 0);
  assert.deepEqual(login.parameters.map(({ name }: { name: string }) => name), ["ts", "sign"]);
  assert.ok(login.requestBody.content["application/json"].schema.properties.captcha);
  const examples = login.responses["200"].content["application/json"].examples;
  assert.equal(examples.account_frozen.value.errorCode, 100002);
  assert.equal(examples.call_repeated.value.errorCode, -1);
  assert.ok(login.responses["401"] && login.responses["503"]);
  const again = await (await app.fetch(new Request("http://plaza.test/openapi/gateway.json")))
    .text();
  assert.equal(again, text);
  const unknown = await app.fetch(new Request("http://plaza.test/openapi/nobody.json"));
  assert.equal(unknown.status, 404);
});

Deno.test("production has no /dev, and does not tell what a request cost", async () => {
  await using app = await startTestApp({
    env: {
      APP_ENV: "production",
      SECRET_KEY: "a secret key that only tests know",
      DATABASE_URL: "postgres://unused.invalid/plaza",
      PUBLIC_URL: "https://plaza.example",
      REDIS_URL: "redis://unused.invalid",
      ALIYUN_SMS_ACCESS_KEY_ID: "id",
      ALIYUN_SMS_ACCESS_KEY_SECRET: "secret",
      ALIYUN_SMS_SIGN_NAME: "Plaza",
      ALIYUN_SMS_TEMPLATE_CODE: "SMS_1",
      JPUSH_APP_KEY: "key",
      JPUSH_MASTER_SECRET: "secret",
      MIXIN_CLIENT_ID: "b7347ca4-186e-4e54-9db6-755a4ab0b5d4",
      MIXIN_CLIENT_SECRET: "secret",
      ALIYUN_OSS_ACCESS_KEY_ID: "id",
      ALIYUN_OSS_ACCESS_KEY_SECRET: "secret",
      ALIYUN_OSS_BUCKET: "plaza",
      ALIYUN_OSS_ENDPOINT: "oss-cn-shenzhen.aliyuncs.com",
      CDN_URL: "https://cdn.example.com",
      AGORA_APP_ID: "0".repeat(32),
      AGORA_APP_CERTIFICATE: "0".repeat(32),
    },
  });
  const outbox = await app.door.fetch(new Request("http://plaza.test/dev/outbox?to=1"));
  assert.equal(outbox.status, 404);
  assert.equal(outbox.headers.get("server-timing"), null);
});

Deno.test("a statement that fails is logged without the values it was sent", async () => {
  const app = await startTestApp();
  await app.database.db.execute("alter table captcha_sends add check (false) not valid");
  const mobile = "13912345678";
  const answer = await callGateway(app, "POST", "/account/captcha", { body: { mobile } });
  assert.deepEqual([answer.http, answer.status, answer.message], [500, 0, "Internal Server Error"]);
  const logged = JSON.stringify(app.logs);
  assert.ok(logged.includes("captcha_sends"), "what failed is there");
  assert.equal(logged.includes(mobile), false, logged);
  await assert.rejects(app[Symbol.asyncDispose]());
});

Deno.test("/healthz says that the database is away while it does not answer, and does not wait", async () => {
  await using app = await startTestApp();
  const readHealth = async () => {
    const response = await app.fetch(new Request("http://plaza.test/healthz"));
    const { status, database } = await response.json();
    return [response.status, status, database.reachable];
  };
  const { promise: released, resolve: release } = Promise.withResolvers<void>();
  // The embedded one has a single connection.
  const held = withTx(app.ctx, () => released);
  assert.deepEqual(await readHealth(), [503, "down", false]);
  release();
  await held;
  assert.deepEqual(await readHealth(), [200, "ok", true]);
});

Deno.test("a proxy nobody has named is told of once", async () => {
  await using app = await startTestApp();
  const ask = () =>
    app.fetch(
      new Request("http://plaza.test/livez", { headers: { "X-Forwarded-For": "203.0.113.7" } }),
    );
  for (let at = 0; at < 3; at++) await (await ask()).body?.cancel();
  const told = app.logs.filter(({ msg }) => String(msg).includes("TRUSTED_PROXY_COUNT"));
  assert.deepEqual(told.map(({ level }) => level), ["notice"]);
});
