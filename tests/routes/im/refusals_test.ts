import assert from "node:assert/strict";
import { loadSurface } from "../../../routes/surfaces.ts";
import { callIm } from "../../clients/im.ts";
import { startTestApp } from "../../harness.ts";
import { giveMoney } from "../../people/money.ts";
import { makeChatPerson, makeFriends } from "./chat_people.ts";

const HEX = "0".repeat(32);
/** Names and words of programs; `JSON` and the like people know. */
const PROGRAMS_WORD = /[a-z_]{2,}/;
/** What fits no parameter, as each of them at once. */
const STRANGE: Record<string, unknown>[] = [
  {},
  ...[null, "", "x".repeat(5_000), -1, 1.5, {}, [[]], true].map((value) => ({ "*": value })),
];

Deno.test("whatever is refused is told in a sentence without names of programs", async () => {
  await using app = await startTestApp();
  const { token } = await makeChatPerson(app);
  const { endpoints } = await loadSurface("im");
  let refusedCount = 0;
  for (const { method, path, body: schema, answersFile } of endpoints) {
    // Whoever wants a picture reads no sentence.
    if (answersFile) continue;
    const names = Object.keys((schema as { shape?: object } | undefined)?.shape ?? { x: 0 });
    for (const strange of STRANGE) {
      const body = "*" in strange
        ? Object.fromEntries(names.map((name) => [name, strange["*"]]))
        : strange;
      const query = { channel_type: "x", limit: "-1", year: "soon" };
      const call = { token, query, ...method !== "get" && { body } };
      const answer = await callIm(
        app,
        method.toUpperCase(),
        path.replaceAll(/\{\w+\}/g, HEX),
        call,
      );
      if (answer.http !== 400) continue;
      refusedCount++;
      const { msg } = answer.data;
      assert.match(msg, /\p{Script=Han}/u, `${method} ${path}`);
      assert.doesNotMatch(
        msg,
        PROGRAMS_WORD,
        `${method} ${path} ${JSON.stringify(body).slice(0, 80)}`,
      );
    }
  }
  assert.ok(refusedCount > 300, `${refusedCount} were refused`);
});

Deno.test("a refusal says what is wrong with what", async () => {
  await using app = await startTestApp();
  const { token } = await makeChatPerson(app);
  const said = async (method: string, path: string, body: unknown) => {
    const { http, data } = await callIm(app, method, path, { token, body });
    return http === 400 ? data.msg : http;
  };
  const transfer = { pay_token: HEX, amount: 1, to_uid: HEX };
  const wrong: [unknown, string][] = [
    [{ ...transfer, amount: undefined }, "金额不能为空"],
    [{ ...transfer, amount: "x" }, "金额不正确"],
    [{ ...transfer, pay_token: "" }, "支付凭证不能为空"],
    [{ ...transfer, remark: "饭".repeat(51) }, "备注不能超过50个字"],
    [{ ...transfer, to_uid: "x".repeat(65) }, "对方不能超过64个字"],
  ];
  for (const [body, text] of wrong) assert.equal(await said("POST", "/transfers", body), text);
  assert.equal(await said("POST", "/label", { name: " " }), "名称不能为空");
  const many = { name: "a", member_uids: Array(501).fill(HEX) };
  assert.equal(await said("POST", "/label", many), "成员不能超过500个");
  assert.equal(await said("POST", "/label", { name: "a", member_uids: [5] }), "成员不正确");
  assert.equal(await said("PUT", "/users/current", {}), "没有要修改的内容");
  assert.equal(await said("PUT", "/users/current", { nick: "a" }), "参数不支持");
  assert.equal(await said("POST", "/user/device_badge", { badge: -1 }), "角标不能少于0");
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
