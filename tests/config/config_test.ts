import assert from "node:assert/strict";
import { ConfigError, readConfig } from "../../config/config.ts";

const keptKeys = () => ({ secretKey: "k".repeat(32) });
const read = (env: Record<string, string>) => readConfig(env, keptKeys);
/** What somebody is told who starts with this environment. */
function faultsOf(env: Record<string, string>): string {
  try {
    read(env);
  } catch (error) {
    if (error instanceof ConfigError) return error.message;
    throw error;
  }
  return "";
}

const DATABASE_URL = "postgres://plaza:secret@db.example/plaza";

Deno.test("a real database says itself what it is for", () => {
  const said = faultsOf({ DATABASE_URL });
  assert.match(said, /DATABASE_URL without APP_ENV.*APP_ENV=production.*APP_ENV=development/);
  assert.equal(faultsOf({ DATABASE_URL, APP_ENV: "development" }), "");
});

Deno.test("doors of development are open with the embedded database, or by DEV_DOORS=1", () => {
  const hosted = { DATABASE_URL, APP_ENV: "development" };
  assert.deepEqual(read({}).devDoors, { from: [] });
  assert.equal(read({ DEV_DOORS: "0" }).devDoors, undefined);
  assert.equal(read(hosted).devDoors, undefined);
  assert.equal(read(hosted).rechargeChannel, "manual");
  const DEV_DOORS_FROM = " 172.16.0.0/12,fd00::/8 ";
  const opened = read({ ...hosted, DEV_DOORS: "1", DEV_DOORS_FROM });
  assert.deepEqual(opened.devDoors, { from: ["172.16.0.0/12", "fd00::/8"] });
  assert.equal(opened.rechargeChannel, "development");
  for (const wrong of ["172.16.0.1", "172.16.0.0/33", "anywhere", "10.0.0.0/8;11.0.0.0/8"]) {
    assert.match(
      faultsOf({ DEV_DOORS_FROM: wrong }),
      /^DEV_DOORS_FROM: .*172\.16\.0\.0\/12/,
      wrong,
    );
  }
});

Deno.test("production refuses open doors, a key that is none, and not to know its own address", () => {
  const said = faultsOf({ APP_ENV: "production", SECRET_KEY: "a".repeat(64), DEV_DOORS: "1" });
  assert.match(said, /missing: .*DATABASE_URL.*PUBLIC_URL/);
  assert.match(said, /SECRET_KEY has fewer than 10 different characters/);
  assert.match(said, /DEV_DOORS=1/);
  assert.doesNotMatch(said, /aaaa/);
  const better = faultsOf({ APP_ENV: "production", SECRET_KEY: "0123456789".repeat(4) });
  assert.doesNotMatch(better, /SECRET_KEY/);
});

Deno.test("it listens to this machine alone, in production to everybody", () => {
  assert.equal(read({}).host, "127.0.0.1");
  assert.equal(read({ HOST: "::" }).host, "::");
  const production = {
    APP_ENV: "production",
    DATABASE_URL,
    PUBLIC_URL: "https://plaza.example",
    REDIS_URL: "redis://redis.example",
    SECRET_KEY: "0123456789".repeat(4),
    AGORA_APP_ID: "a".repeat(32),
    AGORA_APP_CERTIFICATE: "a".repeat(32),
    JPUSH_APP_KEY: "a",
    JPUSH_MASTER_SECRET: "a",
    ALIYUN_SMS_ACCESS_KEY_ID: "a",
    ALIYUN_SMS_ACCESS_KEY_SECRET: "a",
    ALIYUN_SMS_SIGN_NAME: "a",
    ALIYUN_SMS_TEMPLATE_CODE: "a",
    ALIYUN_OSS_ACCESS_KEY_ID: "a",
    ALIYUN_OSS_ACCESS_KEY_SECRET: "a",
    ALIYUN_OSS_BUCKET: "bucket",
    ALIYUN_OSS_ENDPOINT: "oss-cn-shenzhen.aliyuncs.com",
    MIXIN_CLIENT_ID: "b7347ca4-186e-4e54-9db6-755a4ab0b5d4",
    MIXIN_CLIENT_SECRET: "a",
    CDN_URL: "https://cdn.example.com",
  };
  assert.equal(faultsOf(production), "");
  assert.equal(read(production).host, "0.0.0.0");
  assert.equal(read(production).devDoors, undefined);
});

Deno.test("an address that is none is named, and not shown: there is a password in it", () => {
  const hosted = (DATABASE_URL: string) => faultsOf({ APP_ENV: "development", DATABASE_URL });
  const wrong = [
    "nonsense",
    "mysql://plaza:secret@db.example/plaza",
    "postgres://plaza:secret@db.example:port/plaza",
    "postgres://plaza:secret%@db.example/plaza",
    "postgres://plaza:se/cret@db.example/plaza",
    "postgres:///plaza",
    "db.example:5432",
  ];
  for (const url of wrong) {
    assert.match(hosted(url), /^DATABASE_URL: must look like postgres:/, url);
    assert.doesNotMatch(hosted(url), /secret|se\/cret/);
  }
  for (const url of ["postgresql://h/d", "postgres:///d?host=/run/postgresql", DATABASE_URL]) {
    assert.equal(hosted(url), "", url);
  }
  assert.match(faultsOf({ REDIS_URL: "localhost:6379" }), /^REDIS_URL: must look like redis:/);
  assert.match(faultsOf({ UPSTASH_REDIS_REST_URL: "x" }), /UPSTASH_REDIS_REST_URL: must look/);
  assert.match(faultsOf({ DATA_KEYS: "1:abc" }), /^DATA_KEYS must look like/);
});

Deno.test("the scheme of links is the deployed apps', or one of one's own", () => {
  assert.equal(read({}).appScheme, "chaoqer");
  assert.equal(read({ APP_SCHEME: "com.example+x-1" }).appScheme, "com.example+x-1");
  for (const APP_SCHEME of ["a b", "x:", "a/b", "1a"]) {
    assert.match(faultsOf({ APP_SCHEME }), /^APP_SCHEME: must be letters/, APP_SCHEME);
  }
});
