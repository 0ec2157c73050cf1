import assert from "node:assert/strict";
import { loadSurface, type SurfaceName, surfaceNames } from "../../routes/surfaces.ts";
import { callAdmin } from "../clients/admin.ts";
import { callGateway, type GatewayLogin, registerPerson, signCall } from "../clients/gateway.ts";
import { callOps, makeOperator } from "../clients/ops.ts";
import type { Change } from "../fuzz/changes.ts";
import { requestOf, writeCall } from "../fuzz/wire.ts";
import { startTestApp, type TestApp } from "../harness.ts";
import { makeGroup, makeUser } from "../people/factories.ts";
import { type Captured, jsonOf } from "../rights/captured.ts";
import { replay } from "../rights/replay.ts";
import { readTables } from "./trips_tables.ts";

const FORM: Change[] = [{ at: "encoding", as: "form" }];
/** JSON that is not called so. */
const JSON_UNDER_OTHER_TYPES: Change[][] = [
  [
    { at: "encoding", as: "no-type" },
    { at: "header", name: "content-type", value: "application/x-www-form-urlencoded" },
  ],
  [{ at: "encoding", as: "text" }],
  [{ at: "encoding", as: "no-type" }],
];

const isJson = ({ headers }: Captured) =>
  headers.get("content-type")?.startsWith("application/json") ?? false;

for (const name of surfaceNames) {
  Deno.test(`every write of ${name} takes its body in any of the ways clients write it`, async (t) => {
    await using app = await startTestApp();
    const surface = await loadSurface(name);
    const table = (await readTables()).get(name)!;
    const writes = surface.endpoints.filter(({ method, takesFile }) =>
      method !== "get" && !takesFile
    );
    for (const [at, { method, path }] of writes.entries()) {
      // Each in turn, for making the calls is what takes the time.
      const json = JSON_UNDER_OTHER_TYPES[at % JSON_UNDER_OTHER_TYPES.length]!;
      const operation = `${method.toUpperCase()} ${path}`;
      await t.step(operation, async () => {
        for (const changes of [FORM, json]) {
          await replay(app, { surface, operation, call: table[operation]!.call }, async (call) => {
            if (!isJson(call) || changes === FORM && Array.isArray(jsonOf(call))) return;
            const said = await send(app, name, { call, path }, changes);
            assert.equal(said, "done", JSON.stringify(changes));
          });
        }
      });
    }
  });
}

async function send(
  app: TestApp,
  name: SurfaceName,
  about: { call: Captured; path: string },
  changes: Change[],
): Promise<string> {
  const written = writeCall(app, { ...about, isSigned: name === "gateway" }, changes);
  // A header of the way it is written has the last word.
  for (const change of changes) {
    if (change.at !== "header") continue;
    written.headers = written.headers.filter(([header]) => header !== change.name);
    written.headers.push([change.name, change.value!]);
  }
  const request = requestOf(written);
  const isAtDoor = about.call.url.hostname === "localhost";
  const answer = await (isAtDoor ? app.door.fetch(request) : app.fetch(request));
  const text = await answer.text();
  if (answer.status !== 200) return `${answer.status} ${text}`;
  return name === "gateway" && JSON.parse(text).status !== 1 ? text : "done";
}

for (const name of ["ops", "admin"] as const) {
  Deno.test(`a change on ${name} that names nothing it knows is refused, and changes nothing`, async (t) => {
    await using app = await startTestApp();
    const surface = await loadSurface(name);
    const table = (await readTables()).get(name)!;
    const changes = surface.endpoints.filter(({ method }) =>
      method === "put" || method === "patch"
    );
    assert.ok(changes.length > 1);
    for (const { method, path } of changes) {
      const operation = `${method.toUpperCase()} ${path}`;
      await t.step(operation, async () => {
        await replay(app, { surface, operation, call: table[operation]!.call }, async (call) => {
          const bodies = ["", "{}", "[]", "null", '{"nmae":"x","constructor":1,"__proto__":2}'];
          const forms = ["nmae=x", encodeURIComponent(new TextDecoder().decode(call.body))];
          for (const body of [...bodies, ...forms]) {
            const headers = new Headers(call.headers);
            if (forms.includes(body)) {
              headers.set("content-type", "application/x-www-form-urlencoded");
            }
            const { url, method } = call;
            const answer = await app.fetch(
              new Request(url, { method, headers, ...body && { body } }),
            );
            assert.equal(answer.status, 400, body);
            await answer.body?.cancel();
          }
          const right = await app.fetch(
            new Request(call.url, { method: call.method, headers: call.headers, body: call.body! }),
          );
          assert.equal(right.status, 200, "whose right form works");
          await right.body?.cancel();
        });
      });
    }
  });
}

Deno.test("a group's start and stop have no body", async () => {
  await using app = await startTestApp();
  const { token } = await makeOperator(app.ctx, "admin");
  const group = await makeGroup(app.ctx, [await makeUser(app.ctx)], { name: "群", status: 0 });
  for (const verb of ["start", "stop"]) {
    const params = { id: String(group.id) };
    assert.equal((await callOps(app, `POST /v1/groups/{id}/${verb}`, { token, params })).http, 200);
  }
});

Deno.test("operators: nothing said of a parameter leaves it, in a list it is as if absent", async () => {
  await using app = await startTestApp();
  const { token } = await makeOperator(app.ctx, "admin");
  const user = await makeUser(app.ctx, "Toby");
  const group = await makeGroup(app.ctx, [user], { name: "群" });
  const renamed = await callOps(app, "PATCH /v1/groups/{id}", {
    token,
    params: { id: String(group.id) },
    body: { name: null, status: "1" },
  });
  assert.deepEqual([renamed.http, renamed.data.name, renamed.data.status], [200, "群", 1]);
  const edit = (body: unknown) =>
    callAdmin(app, "PUT /v1/admin/users/{uid}", { token, params: { uid: String(user.id) }, body });
  assert.equal((await edit({ mobile: "+852 6123 4567" })).data.data.mobile, "+85261234567");
  for (const body of [{ mobile: null }, { mobile: null, exchanger: "true", status: "1" }]) {
    const { http, data } = await edit(body);
    assert.deepEqual([http, data.data.mobile], [200, "+85261234567"]);
  }
  const { data } = await edit({ name: null, exchanger: null });
  assert.deepEqual([data.data.name, data.data.exchanger], ["Toby", true]);
  const list = (query: Record<string, string>) =>
    callAdmin(app, "GET /v1/admin/users", { token, query });
  const empty = await list({ status: "", page: "", per_page: "", exchanger: "", name: "" });
  assert.equal(empty.http, 200, JSON.stringify(empty.data));
  assert.deepEqual(empty.data, (await list({})).data);
  for (const [name, value] of [["status", "5"], ["page", "x"], ["exchanger", "yes"]]) {
    assert.equal((await list({ [name!]: value! })).http, 400, name);
  }
});

/** A signed call of the room app whose body is a form, as its oldest clients make it. */
async function sendForm(
  app: TestApp,
  path: string,
  as: GatewayLogin,
  fields: Record<string, string>,
  method = "POST",
) {
  app.clock.advance(2_000);
  const params: Record<string, string> = { ...fields, ts: String(app.clock.now().getTime()) };
  const sign = signCall(params, as.accessSecret);
  const headers = { Authorization: `Basic ${btoa(`${as.uid}:${as.accessToken}`)}` };
  const body = new URLSearchParams({ ...params, sign });
  const answer = await app.fetch(
    new Request(`http://plaza.test${path}`, { method, headers, body }),
  );
  return await answer.json();
}

Deno.test("the room app's forms: lists and digits are text, and are signed as they are sent", async () => {
  await using app = await startTestApp();
  const me = await registerPerson(app);
  const event = {
    name: "日程",
    eventTime: String(app.clock.now().getTime() + 3_600_000),
    memberUidList: JSON.stringify([me.uid]),
  };
  const made = await sendForm(app, "/event", me, event);
  assert.deepEqual([made.status, made.result?.memberUidList], [1, [me.uid]], made.message);
  const path = `/event/${made.result.eventId}`;
  const renamed = await sendForm(app, path, me, { ...event, name: "晚间" }, "PUT");
  assert.deepEqual([renamed.status, renamed.result?.name], [1, "晚间"], renamed.message);
  const feedback = {
    originFeedbackType: "0",
    originId: "",
    feedbackType: "7",
    feedbackContent: "花了我$$$太贵了",
    feedbackImageList: '["a.png"]',
  };
  assert.equal((await sendForm(app, "/app/feedback", me, feedback)).message, "反馈成功");
  const without = await sendForm(app, "/app/feedback", me, { ...feedback, feedbackImageList: "" });
  assert.equal(without.message, "反馈成功");
  const report = { originReportType: "1", originId: me.uid, reportReasonType: "4", reason: "广告" };
  assert.equal((await sendForm(app, "/app/report", me, report)).message, "投诉成功");
  for (const memberUidList of ["[", `["${me.uid}`, '{"a":1}', me.uid, "[1]"]) {
    const refused = await sendForm(app, "/event", me, { ...event, memberUidList });
    assert.deepEqual([refused.status, refused.errorCode], [0, 0], memberUidList);
  }
});

Deno.test("the room app's JSON: null is absence, and a text that is JSON names no parameters", async () => {
  await using app = await startTestApp();
  const me = await registerPerson(app);
  const call = (method: string, path: string, body: Record<string, unknown>) => {
    app.clock.advance(2_000);
    return callGateway(app, method, path, { as: me, body });
  };
  const profile = { nickname: "Toby", avatar: "a.png" };
  assert.equal((await call("PUT", "/user/profile", { ...profile, bio: "你好" })).status, 1);
  const kept = await call("PUT", "/user/profile", { ...profile, bio: null });
  assert.deepEqual([kept.status, kept.result.bio], [1, "你好"], kept.message);
  const event = await call("POST", "/event", {
    name: "日程",
    desc: null,
    eventTime: app.clock.now().getTime() + 3_600_000,
    memberUidList: [me.uid],
  });
  assert.equal(event.status, 1, event.message);
  assert.equal((await call("PUT", "/user/profile", { nickname: null, avatar: "a.png" })).status, 0);

  const params = { ts: String(app.clock.now().getTime()) };
  const search = new URLSearchParams({ ...params, sign: signCall(params, me.accessSecret) });
  const unsigned = await app.fetch(
    new Request(`http://plaza.test/user/profile?${search}`, {
      method: "PUT",
      headers: {
        Authorization: `Basic ${btoa(`${me.uid}:${me.accessToken}`)}`,
        "Content-Type": "application/json",
      },
      body: JSON.stringify(JSON.stringify(profile)),
    }),
  );
  assert.equal((await unsigned.json()).status, 0);
});
