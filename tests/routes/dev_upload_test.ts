import assert from "node:assert/strict";
import { startTestApp, type TestApp } from "../harness.ts";

const KEY = "image/861da0739b7542e69b81fe4baebfd816/cover/56da4708cf5348708c775f0cb09d7520.jpg";
const JPEG = Uint8Array.of(0xff, 0xd8, 0xff, 0xe0, ...new TextEncoder().encode("the rest of it"));
const LIMIT = 32 * 1024 * 1024;

interface Put {
  url: string;
  body?: BodyInit | null;
  contentType?: string;
  headers?: Record<string, string>;
}

async function put(app: TestApp, { url, body = JPEG, contentType = "image/jpeg", headers }: Put) {
  const response = await app.fetch(
    new Request(url, { method: "PUT", body, headers: { "Content-Type": contentType, ...headers } }),
  );
  return [response.status, (await response.json()).error];
}

const grant = (app: TestApp, key = KEY, expiresInMs = 60_000) =>
  app.providers.storage.signPut({
    key,
    expiresInMs,
    contentType: "image/jpeg",
    origin: "http://plaza.test",
  });

/** An app whose files are in a folder of its own. */
async function startWithFolder() {
  const dataDir = await Deno.makeTempDir();
  const app = await startTestApp({ env: { DATA_DIR: dataDir } });
  return { app, dataDir };
}

function filesUnder(folder: string): string[] {
  try {
    return [...Deno.readDirSync(folder)].flatMap(({ name, isDirectory }) =>
      isDirectory ? filesUnder(`${folder}/${name}`) : [`${folder}/${name}`]
    );
  } catch {
    return [];
  }
}

Deno.test("PUT /dev/upload keeps a picture, and GET gives it back as what it is", async () => {
  const { app: started, dataDir } = await startWithFolder();
  await using app = started;
  const { uploadUrl, publicUrl } = grant(app);
  assert.equal((await app.fetch(new Request(publicUrl))).status, 404);
  assert.deepEqual(await put(app, { url: uploadUrl }), [200, undefined]);
  assert.deepEqual(filesUnder(dataDir), [`${dataDir}/uploads/${KEY}`]);

  const response = await app.fetch(new Request(publicUrl));
  assert.equal(response.status, 200);
  assert.equal(response.headers.get("content-type"), "image/jpeg");
  assert.equal(response.headers.get("x-content-type-options"), "nosniff");
  assert.deepEqual(new Uint8Array(await response.arrayBuffer()), JPEG);
});

Deno.test("a picture's kind is found in its bytes, whatever the upload says of it", async () => {
  await using app = (await startWithFolder()).app;
  const kinds: [string, Uint8Array<ArrayBuffer>][] = [
    ["image/png", new Uint8Array([0x89, 0x50, 0x4e, 0x47, 13, 10, 26, 10, 0, 0, 0, 0])],
    ["image/gif", new TextEncoder().encode("GIF89a......")],
    ["image/webp", new TextEncoder().encode("RIFF\n\n\n\nWEBP")],
  ];
  for (const [kind, body] of kinds) {
    const { uploadUrl, publicUrl } = grant(app);
    assert.deepEqual(await put(app, { url: uploadUrl, body }), [200, undefined], kind);
    const response = await app.fetch(new Request(publicUrl));
    assert.equal(response.headers.get("content-type"), kind);
    await response.body?.cancel();
  }
});

Deno.test("what is no picture is refused, and nothing of it is kept", async () => {
  const { app: started, dataDir } = await startWithFolder();
  await using app = started;
  const bodies = [
    null,
    "",
    "<html><script>alert(1)</script></html>",
    '<?xml version="1.0"?><svg xmlns="http://www.w3.org/2000/svg" onload="alert(1)"/>',
    "%PDF-1.7",
    "GIF88a",
  ];
  for (const body of bodies) {
    const { uploadUrl } = grant(app);
    assert.deepEqual(await put(app, { url: uploadUrl, body }), [415, "no_image"], `${body}`);
  }
  assert.deepEqual(filesUnder(dataDir), []);
});

Deno.test("an upload needs the address exactly as it was granted", async () => {
  const { app: started, dataDir } = await startWithFolder();
  await using app = started;
  const { uploadUrl, publicUrl } = grant(app);
  const changed = (name: string, value: string | undefined) => {
    const url = new URL(uploadUrl);
    if (value === undefined) url.searchParams.delete(name);
    else url.searchParams.set(name, value);
    return url.href;
  };
  const wrong = [
    publicUrl,
    changed("signature", undefined),
    changed("signature", ""),
    changed("signature", "0".repeat(64)),
    changed("expires", undefined),
    changed("expires", String(Date.now() + 3_600_000)),
    uploadUrl.replace("/cover/", "/avatar/"),
    uploadUrl.replace("image/861", "image/961"),
  ];
  for (const url of wrong) assert.deepEqual(await put(app, { url }), [403, "forbidden"], url);
  assert.deepEqual(
    await put(app, { url: changed("type", "image/png"), contentType: "image/png" }),
    [403, "forbidden"],
  );
  for (const contentType of ["image/png", "application/octet-stream", ""]) {
    const otherType = await put(app, { url: uploadUrl, contentType });
    assert.deepEqual(otherType, [403, "Content-Type must be image/jpeg"]);
  }
  assert.deepEqual(filesUnder(dataDir), []);
});

Deno.test("a type is granted in any case", async () => {
  await using app = (await startWithFolder()).app;
  const { uploadUrl } = grant(app);
  assert.deepEqual(await put(app, { url: uploadUrl, contentType: "IMAGE/JPEG" }), [200, undefined]);
});

Deno.test("a granted address runs out", async () => {
  await using app = (await startWithFolder()).app;
  const { uploadUrl } = grant(app, KEY, 0);
  assert.deepEqual(await put(app, { url: uploadUrl }), [403, "expired"]);
});

Deno.test("no key leads out of the folder, not even a granted one", async () => {
  const { app: started, dataDir } = await startWithFolder();
  await using app = started;
  await Deno.writeFile(`${dataDir}/secret.jpg`, JPEG);
  const keys = [
    "../secret.jpg",
    "image/../../secret.jpg",
    "image/..%2f..%2fsecret.jpg",
    "image/%2e%2e/%2e%2e/secret.jpg",
    "image/%252e%252e/secret.jpg",
    "image/..\\..\\secret.jpg",
    "image//secret.jpg",
    "image/./secret.jpg",
    "image/a/.hidden.jpg",
    "image/a/b.jpg/",
    "image/a/b.jpg%00.png",
    "image/A/b.jpg",
    "secret.jpg",
    `image/${"a/".repeat(150)}b.jpg`,
    "image/a/b.jpg.c0ffee",
  ];
  const before = filesUnder(dataDir);
  for (const key of keys) {
    const { uploadUrl, publicUrl } = grant(app, key);
    const [status] = await put(app, { url: uploadUrl });
    assert.ok(status === 403 || status === 404 || status === 405, `${key}: ${status}`);
    const read = await app.fetch(new Request(publicUrl));
    assert.equal(read.status, 404, key);
    await read.body?.cancel();
    // The same past everything a URL normalizes.
    assert.equal(await app.providers.uploads!.read(key), undefined, key);
  }
  assert.deepEqual(filesUnder(dataDir), before);
});

Deno.test("more than 32 MiB is refused: at once when it is said, else when it is reached", async () => {
  const { app: started, dataDir } = await startWithFolder();
  await using app = started;
  const said = await put(app, {
    url: grant(app).uploadUrl,
    headers: { "Content-Length": String(LIMIT + 1) },
  });
  assert.deepEqual(said, [413, "too_large"]);

  let offeredBytes = 0;
  const endless = new ReadableStream<Uint8Array<ArrayBuffer>>({
    pull(controller) {
      const chunk = new Uint8Array(1024 * 1024);
      if (offeredBytes === 0) chunk.set(JPEG);
      offeredBytes += chunk.length;
      controller.enqueue(chunk);
    },
  });
  const reached = await put(app, { url: grant(app).uploadUrl, body: endless });
  assert.deepEqual(reached, [413, "too_large"]);
  assert.ok(offeredBytes < LIMIT * 1.2, `${offeredBytes}`);
  assert.deepEqual(filesUnder(dataDir), []);
});

Deno.test("an upload that breaks off leaves nothing behind, and the file before it as it was", async () => {
  const { app: started, dataDir } = await startWithFolder();
  await using app = started;
  assert.deepEqual(await put(app, { url: grant(app).uploadUrl }), [200, undefined]);
  const broken = new ReadableStream<Uint8Array<ArrayBuffer>>({
    start(controller) {
      controller.enqueue(JPEG.slice(0, 8));
      controller.error(new Error("connection lost"));
    },
  });
  const response = await app.fetch(
    new Request(grant(app).uploadUrl, {
      method: "PUT",
      body: broken,
      headers: { "Content-Type": "image/jpeg" },
    }),
  );
  assert.ok(response.status >= 400);
  assert.deepEqual(filesUnder(dataDir), [`${dataDir}/uploads/${KEY}`]);
  assert.deepEqual(Deno.readFileSync(`${dataDir}/uploads/${KEY}`), JPEG);
  app.logs.length = 0;
});

Deno.test("without a folder of ours there is no /dev/upload", async () => {
  await using app = await startTestApp({ providers: { uploads: undefined } });
  for (const method of ["GET", "PUT"]) {
    const response = await app.fetch(
      new Request(`http://plaza.test/dev/upload/${KEY}`, {
        method,
        ...method === "PUT" && { body: JPEG },
      }),
    );
    assert.equal(response.status, 404);
    await response.body?.cancel();
  }
});
