import assert from "node:assert/strict";
import { assertImFailure, assertNeedsToken, callIm } from "../../clients/im.ts";
import { startTestApp } from "../../harness.ts";
import { makeChatters, openGroup, syncAll } from "../../people/group.ts";

const NOBODY = "0".repeat(32);
const NOT_MEMBER = "你不在该群";

Deno.test("GET /groups/{group_no}/qrcode, GET /groups/{group_no}/scanjoin", async (t) => {
  await using app = await startTestApp();
  const [ann, bob, cid, eve] = await makeChatters(app, "Ann", "Bob", "Cid", "Eve");
  const groupNo = await openGroup(app, [ann!, bob!]);
  const path = `/groups/${groupNo}`;
  const codeOf = async (person: typeof bob) => {
    const { qrcode } = await person!.ask("GET", `${path}/qrcode`);
    return new URL(qrcode).pathname.replace("/qrcode/", "");
  };
  const scan = async (person: typeof bob, code: string) => {
    const { data } = await person!.ask("GET", `/qrcode/${code}`);
    return new URL(data.url);
  };
  const join = (authCode: string, no = groupNo) =>
    callIm(app, "GET", `/groups/${no}/scanjoin`, { query: { auth_code: authCode } });

  await t.step("GET /groups/{group_no}/qrcode answers a new code each time", async () => {
    const shown = await bob!.ask("GET", `${path}/qrcode`);
    assert.equal(shown.day, 7);
    assert.match(shown.expire, /^\d\d月\d\d日$/);
    assert.match(shown.qrcode, /^http:\/\/[^/]+\/qrcode\/[\w.-]+$/);
    assert.notEqual((await bob!.ask("GET", `${path}/qrcode`)).qrcode, shown.qrcode);
    const picture = await app.fetch(
      new Request(`http://plaza.test/qr/${await codeOf(bob)}.svg`),
    );
    assert.equal(picture.headers.get("content-type"), "image/svg+xml");
    assert.match(await picture.text(), /^<svg /);
    assertImFailure(await eve!.call("GET", `${path}/qrcode`), 400, NOT_MEMBER);
    assertImFailure(await bob!.call("GET", `/groups/${NOBODY}/qrcode`), 400, "群不存在");
    await assertNeedsToken(app, "GET", `${path}/qrcode`);
  });

  await t.step("GET /groups/{group_no}/scanjoin lets in who scanned, once", async () => {
    const url = await scan(cid, await codeOf(bob));
    const page = await app.fetch(new Request(`http://plaza.test${url.pathname}${url.search}`));
    const text = await page.text();
    assert.ok(text.includes("读书会") && text.includes(`/groups/${groupNo}/scanjoin?auth_code=`));
    const authCode = url.searchParams.get("auth_code")!;
    assert.deepEqual((await join(authCode)).data, { status: 200, msg: "" });
    assert.equal((await join(authCode)).http, 200);
    assert.equal((await ann!.ask("GET", path)).member_count, 3);
    const said = await ann!.received(1007);
    assert.equal(said.length, 1);
    assert.equal(said[0].from_uid, cid!.uid);
    assert.deepEqual(said[0].extra.map(({ uid }: { uid: string }) => uid), [cid!.uid, bob!.uid]);
    assert.equal((await syncAll(ann!, groupNo)).at(-1).invite_uid, bob!.uid);
  });

  await t.step("refuses codes that are wrong, another group's, or old", async () => {
    const authCode = (await scan(eve, await codeOf(ann))).searchParams.get("auth_code")!;
    assertImFailure(await join("x"), 400, "授权码无效或已过期");
    assertImFailure(await join(authCode, NOBODY), 400, "授权码无效或已过期");
    assertImFailure(await callIm(app, "GET", `${path}/scanjoin`));
    app.clock.advance(30 * 60 * 1000 + 1);
    assertImFailure(await join(authCode), 400, "授权码无效或已过期");
  });

  await t.step("who showed the code must still be one who may add people", async () => {
    const authCode = (await scan(eve, await codeOf(bob))).searchParams.get("auth_code")!;
    await ann!.ask("PUT", path, { body: { invite: 1 } });
    assertImFailure(await join(authCode), 400, "没有权限");
    await ann!.ask("PUT", path, { body: { invite: 0 } });
    await bob!.ask("POST", `${path}/exit`);
    assertImFailure(await join(authCode), 400, "没有权限");
    for (const person of [ann!, cid!]) await person.ask("POST", `${path}/exit`);
    assertImFailure(await join(authCode), 400, "群不存在");
  });
});
