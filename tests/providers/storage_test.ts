import assert from "node:assert/strict";
import { ConfigError, readConfig } from "../../config/config.ts";
import { openProviders } from "../../providers/providers.ts";
import { developmentStorage } from "../../providers/storage_development.ts";
import { ossStorage } from "../../providers/storage_oss.ts";

const CONFIG = {
  accessKeyId: "LTAI5tTestKeyIdentifier",
  accessKeySecret: "dGhlIHNlY3JldCBvZiB0aGUgdGVzdA",
  securityToken: undefined,
  bucket: "plaza-test",
  endpoint: "oss-cn-shenzhen.aliyuncs.com",
  cdnUrl: "https://cdn.example.com",
};
const NOW = new Date(1608622430000);
const ORIGIN = "http://unused.test";
const FOLDER = "image/861da0739b7542e69b81fe4baebfd816";
const ID = "56da4708cf5348708c775f0cb09d7520";

/** Made once with Aliyun's own SDK, ali-oss 6.23.0 `signatureUrlV4`, at {@link NOW}. */
const VECTORS = [
  {
    what: "a picture",
    config: {},
    key: `${FOLDER}/cover/${ID}.jpg`,
    contentType: "image/jpeg",
    expiresInMs: 600_000,
    url: `https://plaza-test.oss-cn-shenzhen.aliyuncs.com/${FOLDER}/cover/${ID}.jpg` +
      "?x-oss-credential=LTAI5tTestKeyIdentifier%2F20201222%2Fcn-shenzhen%2Foss%2F" +
      "aliyun_v4_request&x-oss-date=20201222T073350Z&x-oss-expires=600" +
      "&x-oss-signature-version=OSS4-HMAC-SHA256&x-oss-signature=" +
      "150d5a23cbe1d0837ede919e700c03b3402d57dcf051fcea9f9760d25b148d2b",
  },
  {
    what: "temporary keys",
    config: { securityToken: "CAIS7wF1q6Ft5B2y/+=RoEdyvd uzks2vPpt6g%&" },
    key: `${FOLDER}/cover/${ID}.jpg`,
    contentType: "image/jpeg",
    expiresInMs: 600_000,
    url: `https://plaza-test.oss-cn-shenzhen.aliyuncs.com/${FOLDER}/cover/${ID}.jpg` +
      "?x-oss-credential=LTAI5tTestKeyIdentifier%2F20201222%2Fcn-shenzhen%2Foss%2F" +
      "aliyun_v4_request&x-oss-date=20201222T073350Z&x-oss-expires=600" +
      "&x-oss-signature-version=OSS4-HMAC-SHA256&x-oss-security-token=" +
      "CAIS7wF1q6Ft5B2y%2F%2B%3DRoEdyvd%20uzks2vPpt6g%25%26&x-oss-signature=" +
      "fe5cab2eeab25ce936fc526c37715455e4f0e5782b35985fc86ff0905792e1d0",
  },
  {
    what: "no content type, seven days",
    config: {},
    key: `${FOLDER}/avatar/${ID}.jpg`,
    contentType: undefined,
    expiresInMs: 604_800_000,
    url: `https://plaza-test.oss-cn-shenzhen.aliyuncs.com/${FOLDER}/avatar/${ID}.jpg` +
      "?x-oss-credential=LTAI5tTestKeyIdentifier%2F20201222%2Fcn-shenzhen%2Foss%2F" +
      "aliyun_v4_request&x-oss-date=20201222T073350Z&x-oss-expires=604800" +
      "&x-oss-signature-version=OSS4-HMAC-SHA256&x-oss-signature=" +
      "fbc4b402e7acf3c3f2b01c76d67ab28b4a6fe98df73d0bfe85c81e18e7c05936",
  },
  {
    what: "another region, a name full of odd characters, one second",
    config: { endpoint: "oss-us-west-1.aliyuncs.com" },
    key: "files/头像 (1)!'*+.jpg",
    contentType: "image/png",
    expiresInMs: 1_000,
    url: "https://plaza-test.oss-us-west-1.aliyuncs.com/files/%E5%A4%B4%E5%83%8F%20(1)!%27*%2B" +
      ".jpg?x-oss-credential=LTAI5tTestKeyIdentifier%2F20201222%2Fus-west-1%2Foss%2F" +
      "aliyun_v4_request&x-oss-date=20201222T073350Z&x-oss-expires=1" +
      "&x-oss-signature-version=OSS4-HMAC-SHA256&x-oss-signature=" +
      "93469324d26af367d54a541e79b3eb715f03b184163b81fc79b44bb16abc32e2",
  },
];

/** An address as the server reads it, however it is escaped and ordered. */
function meaningOf(url: string) {
  const { host, pathname, searchParams } = new URL(url);
  return { host, path: decodeURIComponent(pathname), query: Object.fromEntries(searchParams) };
}

for (const { what, config, key, contentType, expiresInMs, url } of VECTORS) {
  Deno.test(`Aliyun's own client signs the same upload: ${what}`, () => {
    const storage = ossStorage({ ...CONFIG, ...config }, { now: () => NOW });
    const { uploadUrl, publicUrl } = storage.signPut({
      key,
      expiresInMs,
      origin: ORIGIN,
      ...contentType && { contentType },
    });
    assert.deepEqual(meaningOf(uploadUrl), meaningOf(url));
    assert.equal(decodeURIComponent(publicUrl), `https://cdn.example.com/${key}`);
  });
}

Deno.test("Aliyun's limits on an upload's life are ours, and its secret stays here", () => {
  const storage = ossStorage(CONFIG, { now: () => NOW });
  const sign = (expiresInMs: number) =>
    storage.signPut({ key: "a/b.jpg", expiresInMs, origin: ORIGIN });
  for (const expiresInMs of [0, 999, -1, 604_801_000, NaN]) {
    assert.throws(() => sign(expiresInMs), RangeError, `${expiresInMs}`);
  }
  assert.equal(JSON.stringify(sign(1_000)).includes(CONFIG.accessKeySecret), false);
});

Deno.test("a file that came to us goes to Aliyun, as what it is or to be saved", async () => {
  const storage = ossStorage(CONFIG, { now: () => NOW });
  const sent: { url: string; method: string; headers: Headers; bytes: Uint8Array }[] = [];
  const usual = globalThis.fetch;
  let status = 200;
  globalThis.fetch = async (input, init) => {
    const { url, method, headers, body } = new Request(input as string, init);
    sent.push({ url, method, headers, bytes: await new Response(body).bytes() });
    return new Response(null, { status });
  };
  const put = (isAttachment: boolean) =>
    storage.put({
      key: "file/chat/a.bin",
      contentType: isAttachment ? "application/octet-stream" : "image/png",
      isAttachment,
      content: new Blob([Uint8Array.of(1, 2, 3)]).stream(),
    });
  try {
    await put(false);
    await put(true);
    status = 403;
    await assert.rejects(put(true), /HTTP 403/);
  } finally {
    globalThis.fetch = usual;
  }
  const [picture, file] = sent;
  assert.deepEqual([picture!.method, file!.bytes], ["PUT", Uint8Array.of(1, 2, 3)]);
  assert.equal(new URL(file!.url).pathname, "/file/chat/a.bin");
  assert.equal(picture!.headers.get("content-type"), "image/png");
  assert.equal(picture!.headers.get("content-disposition"), null);
  assert.equal(file!.headers.get("content-disposition"), "attachment");
  const publicUrl = storage.publicUrlOf({ key: "file/chat/a.bin", origin: ORIGIN });
  assert.equal(publicUrl, "https://cdn.example.com/file/chat/a.bin");
});

const OSS_ENVIRONMENT = {
  ALIYUN_OSS_ACCESS_KEY_ID: "id",
  ALIYUN_OSS_ACCESS_KEY_SECRET: "secret",
  ALIYUN_OSS_BUCKET: "plaza",
  ALIYUN_OSS_ENDPOINT: "oss-cn-shenzhen.aliyuncs.com",
  CDN_URL: "https://cdn.example.com/",
};
const keptKeys = () => ({ secretKey: "a secret key that only tests know" });

Deno.test("the storage is Aliyun's when all of it is configured, a folder when none is", () => {
  const hosted = readConfig(OSS_ENVIRONMENT, keptKeys);
  assert.equal(hosted.aliyunOss!.cdnUrl, "https://cdn.example.com");
  const { storage, uploads } = openProviders(hosted);
  assert.equal(uploads, undefined);
  const { uploadUrl } = storage.signPut({ key: "a/b.jpg", expiresInMs: 1_000, origin: ORIGIN });
  assert.equal(new URL(uploadUrl).host, "plaza.oss-cn-shenzhen.aliyuncs.com");
  const local = openProviders(readConfig({}, keptKeys));
  assert.equal(local.storage, local.uploads);
});

Deno.test("half a storage is a mistake anywhere, and none is one in production", () => {
  for (const name of Object.keys(OSS_ENVIRONMENT)) {
    const { [name]: _left, ...rest } = OSS_ENVIRONMENT as Record<string, string>;
    assert.throws(() => readConfig(rest, keptKeys), (error) => {
      assert.ok(error instanceof ConfigError);
      assert.equal(error.message, `missing: ${name}`);
      return true;
    });
  }
  assert.throws(
    () => readConfig({ APP_ENV: "production" }, keptKeys),
    new RegExp(Object.keys(OSS_ENVIRONMENT).join(", ")),
  );
});

Deno.test("an endpoint phones cannot reach, or that names no region, is refused", () => {
  const wrong = [
    "oss-cn-shenzhen-internal.aliyuncs.com",
    "oss-accelerate.aliyuncs.com",
    "oss-accelerate-overseas.aliyuncs.com",
    "https://oss-cn-shenzhen.aliyuncs.com",
    "plaza.oss-cn-shenzhen.aliyuncs.com",
    "oss-cn-shenzhen.aliyuncs.com.evil.test",
  ];
  for (const endpoint of wrong) {
    assert.throws(
      () => readConfig({ ...OSS_ENVIRONMENT, ALIYUN_OSS_ENDPOINT: endpoint }, keptKeys),
      /ALIYUN_OSS_ENDPOINT/,
      endpoint,
    );
  }
});

Deno.test("an upload granted by one process is nothing to another", async () => {
  const folder = await Deno.makeTempDir();
  const grant = developmentStorage(folder).signPut({
    key: "image/a/b.jpg",
    expiresInMs: 60_000,
    origin: ORIGIN,
    contentType: "image/jpeg",
  });
  const query = new URL(grant.uploadUrl).searchParams;
  const refused = await developmentStorage(folder).keep({
    key: "image/a/b.jpg",
    expires: query.get("expires")!,
    signature: query.get("signature")!,
    type: "image/jpeg",
    contentType: "image/jpeg",
    byteCount: undefined,
    content: new Blob([]).stream(),
  });
  assert.equal(refused, "forbidden");
  assert.deepEqual([...Deno.readDirSync(folder)], []);
});
