import assert from "node:assert/strict";
import { startTestApp } from "../harness.ts";
import { startChatServer } from "../servers/chat.ts";

/** What comes back for bytes as they are, until the other end is closed. */
async function answerTo(port: number, text: string): Promise<string> {
  using connection = await Deno.connect({ hostname: "127.0.0.1", port });
  await connection.write(new TextEncoder().encode(text));
  return await new Response(connection.readable).text();
}

Deno.test("a host that is none, or moves the path, is 400 in the envelope and no crash", async (t) => {
  await using app = await startTestApp();
  await using server = startChatServer(app);
  const port = Number(new URL(server.url).port);
  const end = "Connection: close\r\n\r\n";
  const requests = [
    `GET /healthz HTTP/1.1\r\nHost: a b\r\n${end}`,
    `GET /healthz HTTP/1.1\r\nHost: [::\r\n${end}`,
    `GET /healthz HTTP/1.1\r\nHost: a:99999\r\n${end}`,
    `GET http://a:99999/healthz HTTP/1.1\r\nHost: a\r\n${end}`,
    `GET /healthz HTTP/1.1\r\nHost: a/dev/outbox?\r\n${end}`,
    `GET /healthz HTTP/1.1\r\nHost: a\\dev\\outbox#\r\n${end}`,
    `GET /healthz HTTP/1.1\r\nHost: a@b\r\n${end}`,
    `POST /account/captcha HTTP/1.1\r\nHost: a b\r\nContent-Length: 2\r\n${end}{}`,
    `GET /ws HTTP/1.1\r\nHost: a b\r\nUpgrade: websocket\r\n${end}`,
  ];
  for (const request of requests) {
    await t.step(request.replaceAll("\r\n", " "), async () => {
      const answer = await answerTo(port, request);
      assert.match(answer, /^HTTP\/1\.1 400 /);
      assert.match(answer, /^x-request-id: /im);
      const { status, result } = JSON.parse(answer.slice(answer.indexOf("\r\n\r\n")));
      assert.deepEqual([status, result], [0, 0]);
    });
  }
  const answer = await answerTo(port, `GET /healthz HTTP/1.1\r\nHost: [::1]:8000\r\n${end}`);
  assert.match(answer, /^HTTP\/1\.1 200 /);
});
