import assert from "node:assert/strict";
import { localBus } from "../../db/bus/bus.ts";
import { busThatAsks, openSoon } from "../../jobs/soon.ts";
import { startTestApp } from "../harness.ts";
import { connectSdk, makeChatPerson, startChatServer } from "../servers/chat.ts";
import { waitUntil } from "../services/binary.ts";
import { jobDepsOf } from "./kit.ts";
import { KeepingPush, makePhoneOwner } from "./message_pushes_people.ts";

Deno.test("a message said over a socket is pushed within seconds, without a tick", async () => {
  await using app = await startTestApp();
  const [ann, bob] = [
    await makeChatPerson(app.ctx, "Ann"),
    await makePhoneOwner(app, "Bob"),
  ];
  const push = new KeepingPush();
  const providers = { ...app.providers, push };
  const soon = openSoon(jobDepsOf(app, { providers }), { delayMs: 5 });
  await using server = startChatServer({ ...app, bus: busThatAsks(app.bus, soon) });
  const client = await connectSdk(server, ann, { name: "push-ann" });
  await client.sendText(bob.uid, 1, "over the socket");
  await waitUntil("the push", () => push.taken.length === 1);
  assert.deepEqual(push.next(), ["Bob Ann: over the socket [1]"]);
  await client.disconnect();
  await soon.stop();
});

Deno.test("what is asked for is pushes alone, unless a request wants more", async () => {
  const asked: unknown[] = [];
  const bus = busThatAsks(localBus(), { ask: (what) => asked.push(what) });
  const heard: string[] = [];
  bus.subscribe(({ kind }) => heard.push(kind));
  bus.publish({ kind: "inbox", heads: [{ userId: 1, seq: 1 }] });
  bus.publish({ kind: "group", groupId: 1 });
  bus.publish({ kind: "ended", tokenHashes: [] });
  await Promise.resolve();
  assert.deepEqual(asked, ["pushes", "pushes"]);
  assert.deepEqual(heard, ["inbox", "group", "ended"]);
  await bus.close();
});
