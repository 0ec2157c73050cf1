import assert from "node:assert/strict";
import { startQrLogin } from "../../../db/domain/chat_accounts/qr_login.ts";
import { assertImFailure, assertNeedsToken } from "../../clients/im.ts";
import { startTestApp } from "../../harness.ts";
import { makeChatters, openGroup } from "../../people/group.ts";

Deno.test("GET /qrcode/{code} and GET /user/qrcode", async (t) => {
  await using app = await startTestApp();
  const [ann, bob, eve] = await makeChatters(app, "Ann", "Bob", "Eve");
  const groupNo = await openGroup(app, [ann!, bob!]);
  const { qrcode } = await ann!.ask("GET", `/groups/${groupNo}/qrcode`);
  const code = new URL(qrcode).pathname.replace("/qrcode/", "");
  const scan = (person: typeof ann, of: string) => person!.call("GET", `/qrcode/${of}`);

  await t.step("a person's code is their profile", async () => {
    const { data: shown } = await bob!.ask("GET", "/user/qrcode");
    assert.equal(shown, `http://plaza.test/qrcode/user_${bob!.uid}`);
    const { data } = await scan(ann, `user_${bob!.uid}`);
    assert.deepEqual([data.forward, data.type, data.data.uid], ["native", "userInfo", bob!.uid]);
    assert.match(data.data.vercode, /^[a-f0-9]{32,}$/);
    assert.deepEqual((await scan(eve, `user_${bob!.uid}`)).data, data);
    await assertNeedsToken(app, "GET", "/user/qrcode");
  });

  await t.step("a group's code is the group to members, a page to the others", async () => {
    const { data } = await scan(bob, code);
    assert.deepEqual(data, { forward: "native", type: "group", data: { group_no: groupNo } });
    const { data: outside } = await scan(eve, code);
    assert.deepEqual([outside.forward, outside.type], ["h5", "webview"]);
    assert.match(outside.data.url, /\/h5\/group\/join\?group_no=[a-f0-9]{32}&auth_code=[\w.-]+$/);
  });

  await t.step("a desktop's code is a login to confirm, once", async () => {
    const { code: shown } = await startQrLogin(app.ctx);
    const { data } = await scan(ann, shown);
    assert.deepEqual([data.forward, data.type], ["native", "loginConfirm"]);
    assert.match(data.data.auth_code, /^[a-f0-9]{32}$/);
    assert.equal(data.data.pub_key, "");
    assertImFailure(await scan(ann, shown), 400, "二维码无效或已过期");
  });

  await t.step("refuses what is no code, changed, or old; needs a token", async () => {
    const changed = code.slice(0, 20) + (code[20] === "A" ? "B" : "A") + code.slice(21);
    const none = ["0".repeat(32), `user_${"0".repeat(32)}`, "vercode_1", "login_x", "x", changed];
    for (const wrong of none) {
      assertImFailure(await scan(ann, wrong), 400, "二维码无效或已过期");
    }
    assertImFailure(await scan(ann, "x".repeat(513)));
    app.clock.advance(7 * 24 * 60 * 60 * 1000 + 1);
    assertImFailure(await scan(ann, code), 400, "二维码无效或已过期");
    app.clock.advance(-7 * 24 * 60 * 60 * 1000 - 1);
    await assertNeedsToken(app, "GET", `/qrcode/${code}`);
  });
});
