import assert from "node:assert/strict";
import { ossStorage } from "../../../providers/storage_oss.ts";
import { callGateway, gatewayRequest, logIn, registerPerson } from "../../clients/gateway.ts";
import { startTestApp } from "../../harness.ts";

Deno.test("POST /aliyun/image/upload", async (t) => {
  await using app = await startTestApp({ env: { DATA_DIR: await Deno.makeTempDir() } });
  const person = await registerPerson(app);
  const ask = async (body: Record<string, unknown>, as = person) => {
    app.clock.advance(2_000);
    return await callGateway(app, "POST", "/aliyun/image/upload", { as, body });
  };

  await t.step("answers as the contract's sample, for every folder of it", async () => {
    for (const imageDir of ["avatar", "cover", "room", "feedback"]) {
      const { http, status, message, result } = await ask({ imageDir });
      assert.deepEqual([http, status, message], [200, 1, "Success"]);
      assert.deepEqual(Object.keys(result).sort(), ["imageId", "imageURL", "uploadAddress"]);
      assert.match(result.imageId, /^[a-f0-9]{32}$/);
      const key = `image/${person.uid}/${imageDir}/${result.imageId}.jpg`;
      assert.ok(new URL(result.uploadAddress).pathname.endsWith(`/${key}`));
      assert.ok(new URL(result.imageURL).pathname.endsWith(`/${key}`));
      assert.equal(new URL(result.imageURL).search, "");
    }
  });

  await t.step("what is put there within ten minutes is at imageURL", async () => {
    const { result } = await ask({ imageDir: "cover" });
    const picture = Uint8Array.of(0xff, 0xd8, 0xff, 0xe0, 1, 2, 3);
    const upload = () =>
      app.fetch(
        new Request(result.uploadAddress, {
          method: "PUT",
          headers: { "Content-Type": "image/jpeg" },
          body: picture,
        }),
      );
    assert.equal((await upload()).status, 200);
    const read = await app.fetch(new Request(result.imageURL));
    assert.deepEqual(new Uint8Array(await read.arrayBuffer()), picture);
    const expires = Number(new URL(result.uploadAddress).searchParams.get("expires"));
    assert.ok(Math.abs(expires - Date.now() - 600_000) < 60_000);
  });

  await t.step("leads back to where the caller reached us, or to the public address", async () => {
    app.clock.advance(2_000);
    const path = "/aliyun/image/upload";
    const request = gatewayRequest(app, "POST", path, { as: person, body: { imageDir: "cover" } });
    const reached = new Request(`http://192.168.1.7:8000${path}`, request);
    const { result } = await (await app.fetch(reached)).json();
    assert.equal(new URL(result.uploadAddress).origin, "http://192.168.1.7:8000");

    await using known = await startTestApp({
      database: app.database,
      redis: app.redis,
      env: { PUBLIC_URL: "https://plaza.example.com/" },
    });
    app.clock.advance(2_000);
    const answer = await callGateway(known, "POST", "/aliyun/image/upload", {
      as: person,
      body: { imageDir: "cover" },
    });
    assert.equal(new URL(answer.result.imageURL).origin, "https://plaza.example.com");
  });

  await t.step("is Aliyun's address where Aliyun is configured", async () => {
    const storage = ossStorage({
      accessKeyId: "id",
      accessKeySecret: "secret",
      securityToken: "CAIS+/=",
      bucket: "chaoley",
      endpoint: "oss-cn-shenzhen.aliyuncs.com",
      cdnUrl: "https://cdn.chaoley.com",
    });
    await using hosted = await startTestApp({
      database: app.database,
      redis: app.redis,
      providers: { storage },
    });
    app.clock.advance(2_000);
    const { result } = await callGateway(hosted, "POST", "/aliyun/image/upload", {
      as: person,
      body: { imageDir: "cover" },
    });
    const key = `image/${person.uid}/cover/${result.imageId}.jpg`;
    assert.equal(result.imageURL, `https://cdn.chaoley.com/${key}`);
    const upload = new URL(result.uploadAddress);
    assert.equal(upload.origin, "https://chaoley.oss-cn-shenzhen.aliyuncs.com");
    assert.equal(upload.pathname, `/${key}`);
    assert.equal(upload.searchParams.get("x-oss-expires"), "600");
    assert.equal(upload.searchParams.get("x-oss-security-token"), "CAIS+/=");
  });

  await t.step("refuses other folders", async () => {
    const wrong = [{}, { imageDir: "" }, { imageDir: "Avatar" }, { imageDir: "../avatar" }, {
      imageDir: ["avatar"],
    }];
    for (const body of wrong) {
      const refused = await ask(body);
      assert.deepEqual([refused.http, refused.status, refused.errorCode], [200, 0, 0]);
      assert.equal(refused.field, "imageDir");
    }
  });

  await t.step("is for people before their profile, and for nobody without a session", async () => {
    const nameless = await logIn(app);
    assert.equal((await ask({ imageDir: "avatar" }, nameless)).status, 1);
    const call = { body: { imageDir: "avatar" } };
    const anonymous = await callGateway(app, "POST", "/aliyun/image/upload", call);
    assert.equal(anonymous.http, 401);
    const forged = await callGateway(app, "POST", "/aliyun/image/upload", {
      ...call,
      as: person,
      sign: "0".repeat(32),
    });
    assert.equal(forged.http, 401);
  });

  await t.step("of two calls at once one is -1", async () => {
    app.clock.advance(2_000);
    const body = { imageDir: "room" };
    const answers = await Promise.all(
      [1, 2].map(() => callGateway(app, "POST", "/aliyun/image/upload", { as: person, body })),
    );
    assert.deepEqual(answers.map(({ errorCode }) => errorCode).sort(), [-1, undefined]);
  });
});
