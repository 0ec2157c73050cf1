import assert from "node:assert/strict";
import { isRedisAway } from "../../db/redis/client.ts";
import { openRedis } from "../../db/redis/open.ts";
import { encodeCommands, Refusal, type Reply, ReplyDecoder } from "../../db/redis/replies.ts";
import { startRedis } from "../services/redis.ts";

const open = (url: string) => openRedis({ redis: { kind: "tcp", url } });
const causeOf = (error: unknown) => `${(error as Error).cause}`;

Deno.test("replies are read alike however their bytes are cut", () => {
  const spoken =
    "+OK\r\n:-42\r\n-WRONGTYPE no\r\n$-1\r\n*-1\r\n*0\r\n$0\r\n\r\n$7\r\n\uFEFFé\r\n\r\n" +
    "*3\r\n*2\r\n:1\r\n*0\r\n$3\r\n$3\n\r\n*1\r\n*1\r\n-no\r\n+end\r\n";
  const meant: Reply[] = ["OK", -42, new Refusal("WRONGTYPE no"), null, null, [], "", "\uFEFFé\r\n"]
    .concat([[[1, []], "$3\n", [[new Refusal("no")]]], "end"] as never[]);
  const bytes = new TextEncoder().encode(spoken);
  for (let size = 1; size <= bytes.length; size++) {
    const decoder = new ReplyDecoder();
    const piece = new Uint8Array(size);
    const heard: Reply[] = [];
    for (let at = 0; at < bytes.length; at += size) {
      const cut = bytes.subarray(at, at + size);
      // One buffer for all of them, as they are read.
      piece.set(cut);
      heard.push(...decoder.feed(piece.subarray(0, cut.length)));
    }
    assert.deepEqual(heard, meant, `in pieces of ${size}`);
  }
});

Deno.test("a command's lengths are bytes", () => {
  assert.equal(
    encodeCommands([["SET", "é"], ["GET", ""]]).replaceAll("\r\n", "|"),
    [
      ...["*2", "$3", "SET", "$2", "é", "*2", "$3", "GET", "$0", "", ""],
    ].join("|"),
  );
});

Deno.test("user, password and database of the address are those that are used", async () => {
  await using service = await startRedis();
  if (!service) return;
  const first = await open(service.url);
  await first.redis.set("where", "first");
  const asked = "on allcommands allkeys >p@:/é".split(" ");
  await first.redis.exec(["acl", "setuser", "wei", ...asked]);
  await first.close();

  const host = new URL(service.url).host;
  const fourth = await open(`redis://wei:${encodeURIComponent("p@:/é")}@${host}/4`);
  assert.equal(await fourth.redis.get("where"), null);
  assert.equal(await fourth.redis.exec(["acl", "whoami"]), "wei");
  await fourth.close();

  const wrong = await open(`redis://wei:guessed@${host}`);
  const refused = await wrong.redis.get("where").catch((error: Error) => error);
  assert.ok(isRedisAway(refused));
  assert.match(causeOf(refused), /WRONGPASS/);
  await wrong.close();
});

Deno.test("whatever else answers at the address is a Redis that is away", async () => {
  await using server = Deno.serve({ port: 0, onListen: () => {} }, () => new Response("hello"));
  const { redis, close } = await open(`redis://127.0.0.1:${server.addr.port}`);
  const failure = await redis.get("k").catch((error: Error) => error);
  assert.ok(isRedisAway(failure));
  assert.match(causeOf(failure), /not a Redis/);
  await close();
});
