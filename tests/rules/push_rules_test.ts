import assert from "node:assert/strict";
import { isAway, isForPeople, pushTextOf, type SaidFacts } from "../../db/domain/pushes/rules.ts";
import { deviceTypeOf } from "../../providers/push.ts";

const said = (payload: object, over: Partial<SaidFacts> = {}) =>
  pushTextOf({
    payload: JSON.stringify(payload),
    senderName: "Ann",
    isBySystem: false,
    groupName: undefined,
    showsDetail: true,
    ...over,
  });
const words = (payload: object) => said(payload).content;

Deno.test("a locked screen shows 100 characters of a text, and of all else what it is", () => {
  assert.deepEqual(said({ type: 1, content: "hello" }), { title: "Ann", content: "hello" });
  assert.equal(words({ type: 1, content: "😀".repeat(150) }), "😀".repeat(100));
  const kinds = [2, 4, 5, 6, 7, 8, 9, 10, 11, 12, 999, 2001].map((type) => words({ type }));
  assert.deepEqual(kinds, [
    "[图片]",
    "[语音]",
    "[视频]",
    "[位置]",
    "[名片]",
    "[文件]",
    "[红包]",
    "[转账]",
    ...Array(4).fill("[消息]"),
  ]);
  for (const content of [undefined, 7, "", "  "]) {
    assert.equal(words({ type: 1, content }), "[消息]");
  }
});

Deno.test("what happened is shown with its people's names, whatever is in them", () => {
  const extra = [{ uid: "a", name: "Ann" }, { uid: "b", name: "{0}" }];
  assert.equal(words({ type: 1002, content: "{0}邀请{1}加入群聊", extra }), "Ann邀请{0}加入群聊");
  assert.equal(words({ type: 1002, content: "{0}和{7}", extra: "x" }), "{0}和{7}");
  assert.equal(words({ type: 2000, content: "转账已退回" }), "转账已退回");
  assert.equal(words({ type: 1005 }), "[消息]");
});

Deno.test("a group's name is the title, its sender in front, the system without a name", () => {
  const text = { type: 1, content: "hi" };
  const group = { groupName: "读书会" };
  assert.deepEqual(said(text, group), { title: "读书会", content: "Ann：hi" });
  assert.deepEqual(said(text, { ...group, isBySystem: true }).content, "hi");
});

Deno.test("who wants no details gets none, in groups neither", () => {
  const over = { showsDetail: false };
  const hidden = "您有一条新的消息";
  assert.deepEqual(said({ type: 1, content: "1234" }, over), { title: "Ann", content: hidden });
  assert.deepEqual(said({ type: 9 }, { ...over, groupName: "读书会" }), {
    title: "读书会",
    content: hidden,
  });
});

Deno.test("of commands people are told of a request for friendship alone", () => {
  const isTold = (payload: object) => isForPeople(JSON.stringify(payload));
  assert.ok(isTold({ type: 99, cmd: "friendRequest" }));
  assert.ok(!isTold({ type: 99, cmd: "messageRevoke" }));
  assert.ok(!isTold({ type: 99 }));
  assert.ok(isTold({ type: 1 }) && isTold({ type: 1002 }));
  assert.equal(words({ type: 99, cmd: "friendRequest" }), "Ann请求添加你为好友");
});

Deno.test("the app keeps a push away, a computer only from who wants that", () => {
  const cases: [flags: number[] | undefined, yields: boolean, isAway: boolean][] = [
    [undefined, false, true],
    [undefined, true, true],
    [[], true, true],
    [[0], false, false],
    [[0, 1], false, false],
    [[1], false, true],
    [[2], false, true],
    [[1], true, false],
    [[2], true, false],
  ];
  for (const [flags, yields, expected] of cases) {
    assert.equal(isAway(flags && new Set(flags), yields), expected, `${flags} ${yields}`);
  }
});

Deno.test("a device type is known in any case; an unknown one is a registration with JPush", () => {
  assert.deepEqual(["IOS", "ios", " Mi ", "hms", "Firebase"].map(deviceTypeOf), [
    "IOS",
    "IOS",
    "MI",
    "HMS",
    "FIREBASE",
  ]);
  assert.deepEqual(["", "web", "jpush"].map(deviceTypeOf), ["JPUSH", "JPUSH", "JPUSH"]);
});
