import assert from "node:assert/strict";
import { askIm, assertImFailure, assertNeedsToken, callIm } from "../../clients/im.ts";
import { startTestApp } from "../../harness.ts";
import { makeChatPerson } from "./chat_people.ts";

Deno.test("all of im is served below /api/v1 as well", async (t) => {
  await using app = await startTestApp();
  const person = await makeChatPerson(app, "Anna");
  const { token, uid } = person;

  await t.step("with the same answers", async () => {
    for (const path of [`/users/${uid}`, "/user/blacklists", "/conversations", "/label"]) {
      const [here, there] = [
        await askIm(app, "GET", path, { token }),
        await askIm(app, "GET", `/api/v1${path}`, { token }),
      ];
      assert.deepEqual(there, here, path);
    }
    // The web client's addresses have a doubled slash in them.
    assert.deepEqual(await askIm(app, "GET", "/api/v1//label", { token }), []);
  });

  await t.step("with the same refusals, in the same words", async () => {
    await assertNeedsToken(app, "GET", "/api/v1/user/blacklists");
    const unknown = await callIm(app, "GET", `/api/v1/users/${"0".repeat(32)}`, { token });
    assertImFailure(unknown, 400, "用户不存在");
    // The partners' credentials lead to no partner there.
    const headers = { Authorization: "Basic eDp5" };
    assertImFailure(await callIm(app, "GET", "/api/v1/groups/7000100001", { headers }), 401);
  });

  await t.step("to pages of other origins", async () => {
    const answer = await callIm(app, "GET", "/api/v1/label", { token });
    assert.equal(answer.headers.get("access-control-allow-origin"), "*");
    const preflight = await app.fetch(
      new Request("http://plaza.test/api/v1/label", {
        method: "OPTIONS",
        headers: { Origin: "https://app.example", "Access-Control-Request-Method": "PUT" },
      }),
    );
    assert.equal(preflight.status, 204);
  });
});

Deno.test("a group that cannot be one is as unknown as any other", async () => {
  await using app = await startTestApp();
  const { token } = await makeChatPerson(app, "Anna");
  for (const name of ["xyz", "7000100001", "0".repeat(32), "A".repeat(32)]) {
    for (
      const path of [`/groups/${name}`, `/groups/${name}/membersync`, `/api/v1/groups/${name}`]
    ) {
      assertImFailure(await callIm(app, "GET", path, { token }), 400, "群不存在");
    }
  }
});
