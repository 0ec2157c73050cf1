import assert from "node:assert/strict";
import { randomHex32 } from "../../../config/keys.ts";
import { releases } from "../../../db/schema/releases.ts";
import { askIm, assertNeedsToken, CHAT_PASSWORD } from "../../clients/im.ts";
import { startTestApp } from "../../harness.ts";
import { makeAccount } from "../../people/chat_accounts.ts";

Deno.test("GET /common/appconfig and GET /common/appversion/{os}/{version} need no token", async () => {
  await using app = await startTestApp();
  const config = await askIm(app, "GET", "/common/appconfig");
  assert.deepEqual(config, {
    version: 1,
    web_url: "",
    phone_search_off: 0,
    shortno_edit_off: 0,
    revoke_second: 120,
    register_invite_on: 0,
    send_welcome_message_on: 0,
    invite_system_account_join_group_on: 0,
    register_user_must_complete_info_on: 0,
  });

  const newest = (os: string, version: string) =>
    askIm(app, "GET", `/common/appversion/${os}/${version}`);
  assert.deepEqual(await newest("android", "1.0.0"), {});
  for (const [versionCode, versionName] of [[10, "1.0.0"], [11, "1.1.0"]] as const) {
    await app.ctx.db.insert(releases).values({
      id: randomHex32(),
      clientType: 2,
      versionCode,
      versionName,
      description: "修复问题",
      downloadUrl: "https://plaza.test/app.apk",
      forced: versionCode === 11,
      createdAt: app.ctx.now(),
    });
  }
  const release = {
    app_version: "1.1.0",
    os: "android",
    is_force: 1,
    update_desc: "修复问题",
    download_url: "https://plaza.test/app.apk",
  };
  assert.deepEqual(await newest("android", "1.0.0"), release);
  assert.deepEqual(await newest("Android", "0.9"), release);
  for (const [os, version] of [["android", "1.1.0"], ["ios", "1.0.0"], ["web", "1.5.0"]]) {
    assert.deepEqual(await newest(os!, version!), {});
  }
});

Deno.test("GET /message/prohibit_words/sync, GET /sticker/user/category, GET /sticker/user/sticker and GET /organization/joined are empty", async () => {
  await using app = await startTestApp();
  const { token } = await makeAccount(app);
  for (
    const path of [
      "/message/prohibit_words/sync",
      "/sticker/user/category",
      "/sticker/user/sticker",
      "/organization/joined",
    ]
  ) {
    assert.deepEqual(await askIm(app, "GET", path, { token, query: { version: "0" } }), []);
    await assertNeedsToken(app, "GET", path);
  }
});

Deno.test("GET /user/devices/{device_id}", async () => {
  await using app = await startTestApp();
  const [toby, tony] = [await makeAccount(app), await makeAccount(app)];
  const device = { device_id: "web-1", device_name: "Chrome", device_model: "web" };
  const { token } = await askIm(app, "POST", "/user/login", {
    body: { username: `0086${toby.phone}`, password: CHAT_PASSWORD, flag: 1, device },
  });
  const read = (as: string, id: string) => askIm(app, "GET", `/user/devices/${id}`, { token: as });
  const { id, last_login, ...rest } = await read(token, "web-1");
  assert.ok(Number.isInteger(id));
  assert.match(last_login, /^\d{4}-\d\d-\d\d \d\d:\d\d$/);
  assert.deepEqual(rest, { ...device, self: 1 });
  assert.equal((await read(toby.token, "web-1")).self, 0);
  assert.deepEqual(await read(token, "web-2"), {});
  assert.deepEqual(await read(tony.token, "web-1"), {});
  await assertNeedsToken(app, "GET", "/user/devices/web-1");
});
