import assert from "node:assert/strict";
import { callIm } from "../../clients/im.ts";
import { startTestApp } from "../../harness.ts";
import { giveMoney } from "../../people/money.ts";
import { makeChatPerson, makeFriends } from "./chat_people.ts";

const HEX = "0".repeat(32);

Deno.test("a refusal says what is wrong with what", async () => {
  await using app = await startTestApp();
  const { token } = await makeChatPerson(app);
  const said = async (method: string, path: string, body: unknown) => {
    const { http, data } = await callIm(app, method, path, { token, body });
    return http === 400 ? data.msg : http;
  };
  const transfer = { pay_token: HEX, amount: 1, to_uid: HEX };
  const wrong: [unknown, string][] = [
    [{ ...transfer, amount: undefined }, "请填写金额"],
    [{ ...transfer, amount: "x" }, "金额不正确"],
    [{ ...transfer, pay_token: "" }, "请填写支付凭证"],
    [{ ...transfer, remark: "饭".repeat(51) }, "备注不能超过50个字"],
    [{ ...transfer, to_uid: "x".repeat(65) }, "对方不能超过64个字"],
  ];
  for (const [body, text] of wrong) assert.equal(await said("POST", "/transfers", body), text);
  assert.equal(await said("POST", "/label", { name: " " }), "请填写名称");
  const many = { name: "a", member_uids: Array(501).fill(HEX) };
  assert.equal(await said("POST", "/label", many), "成员不能超过500个");
  assert.equal(await said("POST", "/label", { name: "a", member_uids: [5] }), "成员不正确");
  assert.equal(await said("PUT", "/users/current", {}), "没有要修改的内容");
  assert.equal(await said("PUT", "/users/current", { nick: "a" }), "包含不支持的参数");
  assert.equal(await said("POST", "/user/device_badge", { badge: -1 }), "角标应为0到1000000");
  assert.equal(await said("POST", "/label", [1]), "参数不正确");
});

Deno.test("switches and whole numbers are taken as text, too", async () => {
  await using app = await startTestApp();
  const [toby, tony] = [await makeChatPerson(app, "Toby"), await makeChatPerson(app, "Tony")];
  await makeFriends(app, toby, tony);
  await giveMoney(app.ctx, toby, 1000);
  const call = async (method: string, path: string, body: unknown) => {
    const { http, data } = await callIm(app, method, path, { token: toby.token, body });
    assert.equal(http, 200, `${method} ${path} ${JSON.stringify(data)}`);
    return data;
  };
  const setting = `/users/${tony.uid}/setting`;
  assert.deepEqual(await call("PUT", setting, { mute: "1", top: "1" }), { mute: 1, top: 1 });
  assert.deepEqual(await call("PUT", setting, { mute: "0" }), { mute: 0, top: 1 });
  await call("PUT", "/users/current", { sex: "1", new_msg_notice: "0", msg_expire_second: "60" });
  await call("POST", "/user/device_badge", { badge: "3" });
  await call("POST", "/wallet/recharge", { amount: "100", channel_type: "2" });
  const packet = { scene_id: tony.uid, scene_type: "1", amount: "100", type: "1", num: "1" };
  const { redpacket_no } = await call("POST", "/redpackets", packet);
  assert.equal((await call("GET", `/redpackets/${redpacket_no}`, undefined)).amount, 100);
});
