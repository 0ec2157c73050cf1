import assert from "node:assert/strict";
import { sql } from "drizzle-orm";
import { assertImFailure, assertNeedsToken } from "../../clients/im.ts";
import { startTestApp, type TestApp } from "../../harness.ts";
import { makeGroup } from "../../people/factories.ts";
import { befriend, type Chatter, makeChatters, openGroup } from "../../people/group.ts";

const PNG = Uint8Array.of(
  ...[0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a],
  ...new TextEncoder().encode("the rest of it"),
);
const MP4 = new TextEncoder().encode("\0\0\0\u0018ftypmp42 and so on");
const SVG = new TextEncoder().encode("<svg xmlns='http://www.w3.org/2000/svg'><script/></svg>");
const HTML = new TextEncoder().encode("<html><script>alert(1)</script></html>");
const AVATAR_MAX = 5 * 1024 * 1024;
const FILE_MAX = 32 * 1024 * 1024;

/** A form with a file, as a page sends it. */
async function post(
  app: TestApp,
  url: string,
  { token, bytes, field = "file" }: {
    token?: string;
    bytes: Uint8Array<ArrayBuffer>;
    field?: string;
  },
) {
  const body = new FormData();
  body.append(field, new Blob([bytes]), "picture.png");
  const response = await app.fetch(
    new Request(URL.parse(url, "http://plaza.test")!, {
      method: "POST",
      body,
      headers: token === undefined ? {} : { token },
    }),
  );
  return { http: response.status, headers: response.headers, data: await response.json() };
}

/** As a picture's address is asked, without a token. */
async function get(app: TestApp, url: string) {
  const response = await app.fetch(new Request(URL.parse(url, "http://plaza.test")!));
  const bytes = new Uint8Array(await response.arrayBuffer());
  return { http: response.status, headers: response.headers, bytes };
}

/** Follows where an avatar is kept. */
async function picture(app: TestApp, path: string) {
  const { http, headers } = await get(app, path);
  assert.equal(http, 302);
  return await get(app, headers.get("location")!);
}

function listen(app: TestApp) {
  // deno-lint-ignore no-explicit-any -- payloads of commands
  const heard: { userIds: number[]; payload: any }[] = [];
  app.bus.subscribe((event) => {
    if (event.kind !== "moment") return;
    heard.push({ userIds: event.userIds, payload: JSON.parse(event.payload) });
  });
  return heard;
}

Deno.test("GET /users/{uid}/avatar and GET /groups/{group_no}/avatar", async (t) => {
  await using app = await startTestApp();
  const [anna, ben] = await makeChatters(app, "<b>Anna", "Ben");

  await t.step("are drawn where there is none, whoever asks", async () => {
    const drawn = async (path: string) => {
      const { http, headers, bytes } = await get(app, path);
      assert.equal(http, 200, path);
      assert.equal(headers.get("content-type"), "image/svg+xml");
      assert.match(headers.get("cache-control")!, /max-age/);
      assert.match(headers.get("content-security-policy")!, /default-src 'none'/);
      return new TextDecoder().decode(bytes);
    };
    assert.match(await drawn(`/api/v1/users/${ben!.uid}/avatar?v=1`), />B</);
    const { groupNo } = await makeGroup(app.ctx, [{ id: anna!.userId }], { name: "读书会" });
    assert.match(await drawn(`/groups/${groupNo}/avatar`), />读</);
    assert.match(await drawn(`/users/${anna!.uid}/avatar`), />&#60;</);
    assert.equal(
      await drawn(`/users/${ben!.uid}/avatar`),
      await drawn(`/api/v1/users/${ben!.uid}/avatar?v=2`),
    );
    for (const path of [`/users/${"0".repeat(32)}/avatar`, "/users/xyz/avatar"]) {
      assert.match(await drawn(path), /><\/text>/);
    }
    assert.match(await drawn("/api/v1/groups/7000100001/avatar"), /><\/text>/);
  });

  await t.step("a group's is its first members', each as their own is drawn", async () => {
    const looksOf = async (path: string) => {
      const picture = new TextDecoder().decode((await get(app, path)).bytes);
      const looks = [...picture.matchAll(/fill="(hsl[^"]*)".*?>([^<]*)<\/text>/g)];
      return { picture, looks: looks.map(([, colour, letter]) => `${colour} ${letter}`) };
    };
    const others = await makeChatters(app, ..."CDEFGHIJ");
    const everybody = [anna!, ben!, ...others];
    const own: string[] = [];
    for (const { uid } of everybody) own.push((await looksOf(`/users/${uid}/avatar`)).looks[0]!);
    for (let count = 2; count <= everybody.length; count++) {
      const members = everybody.slice(0, count).map(({ userId: id }) => ({ id }));
      const { groupNo } = await makeGroup(app.ctx, members);
      const { picture, looks } = await looksOf(`/groups/${groupNo}/avatar`);
      assert.deepEqual(looks, own.slice(0, 9).slice(0, count));
      assert.ok(picture.length < 4_096);
      const tiles = [...picture.matchAll(/ x="(\S+)" y="(\S+)" width="(\S+)" height="(\S+)"/g)]
        .map((tile) => tile.slice(1).map(Number) as [number, number, number, number]);
      assert.equal(tiles.length, looks.length);
      for (const [at, [x, y, width, height]] of tiles.entries()) {
        assert.ok(x > 0 && y > 0 && x + width < 120 && y + height < 120, picture);
        for (const [left, top] of tiles.slice(0, at)) {
          assert.ok(Math.abs(left - x) > width || Math.abs(top - y) > height, "none hides another");
        }
      }
    }
    const groupNo = await openGroup(app, [ben!, anna!, others[0]!]);
    await anna!.ask("POST", `/groups/${groupNo}/exit`);
    assert.deepEqual((await looksOf(`/groups/${groupNo}/avatar`)).looks, [own[1], own[2]]);
  });

  await t.step("lead to the one that is kept, the room app's as well", async () => {
    const set = (avatar: string) =>
      app.ctx.db.execute(sql`update users set avatar = ${avatar} where id = ${ben!.userId}`);
    const path = `/users/${ben!.uid}/avatar`;
    const cases: [avatar: string, location: string | null][] = [
      ["https://cdn.example/a.jpg?x=1", "https://cdn.example/a.jpg?x=1"],
      ["dev/upload/a.jpg", "http://plaza.test/dev/upload/a.jpg"],
      ["/dev/upload/a.jpg", "http://plaza.test/dev/upload/a.jpg"],
      // These would lead here again, or to nothing a picture is.
      [`users/${ben!.uid}/avatar`, null],
      ["javascript:alert(1)", null],
      ["data:text/html,x", null],
    ];
    for (const [avatar, location] of cases) {
      await set(avatar);
      const { http, headers } = await get(app, path);
      assert.deepEqual([http, headers.get("location")], [location ? 302 : 200, location], avatar);
    }
  });
});

Deno.test("POST /users/{uid}/avatar", async (t) => {
  await using app = await startTestApp();
  const [anna, ben, cleo] = await makeChatters(app, "Anna", "Ben", "Cleo");
  await befriend(app, anna!, [ben!]);
  const path = `/api/v1/users/${anna!.uid}/avatar`;
  const { token } = anna!;

  await t.step("shows it from then on, on every surface, and tells friends", async () => {
    const heard = listen(app);
    assert.equal((await post(app, path, { token, bytes: PNG })).http, 200);
    const { headers, bytes } = await picture(app, path);
    assert.deepEqual(bytes, PNG);
    assert.equal(headers.get("content-type"), "image/png");
    assert.equal(heard.length, 1);
    const { userIds, payload } = heard[0]!;
    assert.deepEqual([payload.cmd, payload.param], ["userAvatarUpdate", { uid: anna!.uid }]);
    assert.ok(userIds.includes(ben!.userId) && !userIds.includes(cleo!.userId));
    const { rows: [row] } = await app.ctx.db.execute<{ avatar: string }>(
      sql`select avatar from users where id = ${anna!.userId}`,
    );
    assert.match(row!.avatar, /^http:\/\/plaza\.test\/.*\.png$/);
  });

  await t.step("refuses what is no picture, what is too large, and another one's", async () => {
    for (const bytes of [SVG, HTML, MP4, new Uint8Array()]) {
      const answer = await post(app, path, { token, bytes });
      assertImFailure(answer, 400, "头像应为 PNG、JPEG、GIF 或 WebP 图片");
    }
    const large = new Uint8Array(AVATAR_MAX + 1);
    large.set(PNG);
    assertImFailure(await post(app, path, { token, bytes: large }), 400, "头像不能超过 5 MiB");
    assertImFailure(await post(app, path, { token, bytes: PNG, field: "other" }), 400);
    assertImFailure(await anna!.call("POST", path, { body: { file: "x" } }), 400);
    assertImFailure(await post(app, path, { token: cleo!.token, bytes: PNG }), 400);
    assertImFailure(await post(app, path, { bytes: PNG }), 401);
    assert.deepEqual((await picture(app, path)).bytes, PNG, "it stays");
  });

  await t.step("takes one of exactly 5 MiB", async () => {
    const large = new Uint8Array(AVATAR_MAX);
    large.set(PNG);
    assert.equal((await post(app, path, { token, bytes: large })).http, 200);
    assert.equal((await picture(app, path)).bytes.length, AVATAR_MAX);
  });
});

Deno.test("POST /groups/{group_no}/avatar is for owner and managers", async () => {
  await using app = await startTestApp();
  const [anna, ben, cleo, dora] = await makeChatters(app, "Anna", "Ben", "Cleo", "Dora");
  const groupNo = await openGroup(app, [anna!, ben!, cleo!]);
  await anna!.ask("POST", `/groups/${groupNo}/managers`, { body: [ben!.uid] });
  const path = `/api/v1/groups/${groupNo}/avatar`;
  const send = ({ token }: Chatter, to = path) => post(app, to, { token, bytes: PNG });
  const heard = listen(app);
  assertImFailure(await send(cleo!), 400, "没有权限");
  assertImFailure(await send(dora!), 400, "你不在该群");
  assertImFailure(await send(anna!, `/groups/${"0".repeat(32)}/avatar`), 400, "群不存在");
  assertImFailure(await post(app, path, { token: ben!.token, bytes: SVG }), 400);
  assertImFailure(await post(app, path, { bytes: PNG }), 401);
  assert.equal(heard.length, 0);
  const { version } = await anna!.ask("GET", `/groups/${groupNo}`);
  assert.equal((await send(ben!)).http, 200);
  assert.deepEqual((await picture(app, path)).bytes, PNG);
  const { userIds, payload } = heard[0]!;
  assert.deepEqual([payload.cmd, payload.param], ["groupAvatarUpdate", { group_no: groupNo }]);
  assert.deepEqual(userIds.toSorted(), [anna!, ben!, cleo!].map((it) => it.userId).toSorted());
  assert.ok((await anna!.ask("GET", `/groups/${groupNo}`)).version > version);
});

Deno.test("GET /file/upload, POST /file/upload, GET /file/preview/{type}/{name}", async (t) => {
  await using app = await startTestApp();
  const [anna] = await makeChatters(app, "Anna");
  const { token } = anna!;
  const ask = (path: string, type = "chat", base = "/api/v1") =>
    anna!.ask("GET", `${base}/file/upload`, { query: { path, type } });
  const send = async (path: string, bytes: Uint8Array<ArrayBuffer>, base?: string) => {
    const { url } = await ask(path, "chat", base);
    const { http, data } = await post(app, url, { token, bytes });
    assert.equal(http, 200, JSON.stringify(data));
    return data.path as string;
  };

  await t.step("what went up comes down, by whoever knows the address", async () => {
    const path = await send(`/1/${"0".repeat(32)}/ABC.png`, PNG);
    assert.match(path, /^file\/preview\/chat\/[a-f0-9]{32}\.png$/);
    for (const base of ["/", "/api/v1/"]) {
      const { http, headers, bytes } = await get(app, base + path);
      assert.equal(http, 200);
      assert.deepEqual(bytes, PNG);
      assert.equal(headers.get("content-type"), "image/png");
      assert.equal(headers.get("content-disposition"), null);
      assert.equal(headers.get("x-content-type-options"), "nosniff");
    }
    const film = await get(app, `/${await send("/1/x/a.mp4", MP4)}`);
    assert.equal(film.headers.get("content-type"), "video/mp4");
  });

  await t.step("where it was asked, there it goes on", async () => {
    const { url } = await ask("/1/x/a.png", "chat");
    assert.match(url, /^http:\/\/plaza\.test\/api\/v1\/file\/upload\?/);
    assert.match(
      (await ask("/1/x/a.png", "chat", "")).url,
      /^http:\/\/plaza\.test\/file\/upload\?/,
    );
    await send("/1/x/a.png", PNG, "");
  });

  await t.step("a page that is none of ours runs nothing", async () => {
    for (const bytes of [SVG, HTML]) {
      const { headers } = await get(app, `/${await send("/1/x/a.png", bytes)}`);
      assert.equal(headers.get("content-type"), "application/octet-stream");
      assert.equal(headers.get("content-disposition"), "attachment");
      assert.equal(headers.get("x-content-type-options"), "nosniff");
      assert.match(headers.get("content-security-policy")!, /sandbox/);
    }
  });

  await t.step("nobody takes another one's place, or leads out of the folder", async () => {
    const [one, other] = [await send("/1/x/same.png", PNG), await send("/1/x/same.png", MP4)];
    assert.notEqual(one, other);
    assert.deepEqual((await get(app, `/${one}`)).bytes, PNG);
    for (
      const path of ["/../../../etc/passwd", "/1/x/a.p%00g", "/1/x/a./..", "a.😀", "", "a.exe/"]
    ) {
      assert.match(await send(path, HTML), /^file\/preview\/chat\/[a-f0-9]{32}\.[a-z0-9]+$/);
    }
    for (const path of ["chat/x.png", `chat/${"0".repeat(32)}.png`, `etc/${"0".repeat(32)}.png`]) {
      assert.equal((await get(app, `/api/v1/file/preview/${path}`)).http, 404);
    }
    assert.equal((await get(app, "/file/preview/chat/..%2f..%2fsecret.png")).http, 404);
  });

  await t.step("up to 32 MiB, for kinds there are, with a token", async () => {
    assert.equal(
      (await get(app, `/${await send("/1/x/a.bin", new Uint8Array(FILE_MAX))}`)).http,
      200,
    );
    const { url } = await ask("/1/x/a.bin");
    const large = new Uint8Array(FILE_MAX + 1);
    assert.equal((await post(app, url, { token, bytes: large })).http, 413);
    assertImFailure(await post(app, url, { bytes: PNG }), 401);
    assertImFailure(await post(app, url, { token, bytes: PNG, field: "other" }), 400);
    for (const type of ["avatar", "../x", ""]) {
      const query = { path: "/1/x/a.png", type };
      assertImFailure(await anna!.call("GET", "/file/upload", { query }), 400);
      const there = `/file/upload?${new URLSearchParams(query)}`;
      assertImFailure(await post(app, there, { token, bytes: PNG }), 400);
    }
    await assertNeedsToken(app, "GET", "/file/upload", { query: { path: "a", type: "chat" } });
  });
});
