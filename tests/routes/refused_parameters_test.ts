import assert from "node:assert/strict";
import { z } from "zod";
import { englishOf } from "../../routes/english.ts";
import { PARAMETER_NAMES } from "../../routes/parameter_names.ts";
import { loadSurface, type SurfaceName, surfaceNames } from "../../routes/surfaces.ts";
import { callGateway, registerPerson } from "../clients/gateway.ts";
import { type Change, fieldsOf } from "../fuzz/changes.ts";
import { type Operation, type Schema, SurfaceDocument } from "../fuzz/documents.ts";
import { requestOf, writeCall } from "../fuzz/wire.ts";
import { startTestApp } from "../harness.ts";
import type { Captured } from "../rights/captured.ts";
import { replay } from "../rights/replay.ts";
import { readTables } from "./trips_tables.ts";

/** Missing, of a wrong type, too long, no choice, out of range; of each what JSON can say. */
const WRONG: unknown[] = [
  undefined,
  null,
  "",
  " ",
  "no such thing",
  "长".repeat(40_000),
  -1,
  1.5,
  1e15,
  true,
  {},
  [],
  [[]],
  Array(600).fill("x"),
];
/** Names and words of programs; `JSON` and the like people know. */
const PROGRAMS_WORD = /[a-z_]{2,}/;
const VALIDATORS_WORDS = /Invalid|expected|received|Too (small|big)|Unrecognized|must match|期望/;
const HAN = /\p{Script=Han}/u;

const tables = await readTables();

/** Every change that puts something wrong where one parameter of an operation stands. */
function* wrongChanges({ parameters = [], requestBody }: Operation): Generator<Change> {
  const body = Object.values(requestBody?.content ?? {})[0]?.schema;
  for (const { path } of body ? [...fieldsOf(body, []), { path: [] }] : []) {
    for (const value of WRONG) yield { at: "body", path, value };
  }
  for (const { name, in: place } of parameters) {
    if (name === "ts" || name === "sign") continue;
    for (const value of WRONG) {
      if (typeof value === "object" || typeof value === "boolean") continue;
      const text = value === undefined ? undefined : `${value}`.slice(0, 10_000);
      if (place === "query") yield { at: "query", name, value: text };
      else if (text) yield { at: "path", name, value: encodeURIComponent(text) };
    }
  }
}

interface Refused {
  operation: string;
  change: Change;
  text: string;
  said: Record<string, unknown>;
}

/** How a surface refuses each operation with each parameter wrong in each way. */
async function refusalsOf(
  name: SurfaceName,
  headers: Record<string, string>,
  see: (refused: Refused) => void,
): Promise<number> {
  await using app = await startTestApp();
  const surface = await loadSurface(name);
  const { operations } = await SurfaceDocument.read(name);
  let count = 0;
  for (const [operation, { call }] of Object.entries(tables.get(name)!)) {
    let captured: Captured | undefined;
    await replay(app, { surface, operation, call }, (seen) => {
      captured = seen;
      return Promise.resolve();
    });
    for (const [header, value] of Object.entries(headers)) captured!.headers.set(header, value);
    const about = {
      call: captured!,
      path: operation.split(" ")[1]!,
      isSigned: name === "gateway",
    };
    for (const change of wrongChanges(operations.get(operation)!)) {
      app.clock.advance(10);
      const response = await app.fetch(requestOf(writeCall(app, about, [change])));
      const text = await response.text();
      if (!response.headers.get("content-type")?.startsWith("application/json")) continue;
      const said = JSON.parse(text);
      // The gateway's HTTP failures have fixed texts.
      const isRefused = name === "gateway" ? said.status === 0 : response.status >= 400;
      if (!isRefused || (name === "gateway" && response.status !== 200)) continue;
      count++;
      see({ operation, change, text, said });
    }
    app.logs.splice(0);
  }
  return count;
}

const messageOf = ({ said }: Refused): string =>
  `${said.message ?? said.msg ?? (said.meta as { message?: string } | undefined)?.message}`;

const describe = ({ operation, change, text }: Refused) =>
  `${operation} ${JSON.stringify(change).slice(0, 100)} ${text.slice(0, 200)}`;

for (const name of ["gateway", "im", "partner"] as const) {
  Deno.test(`what ${name} refuses is told in Chinese, without names of programs`, async () => {
    const wrong = new Set<string>();
    const count = await refusalsOf(name, { "accept-language": "en" }, (refused) => {
      const message = messageOf(refused);
      if (!HAN.test(message) || PROGRAMS_WORD.test(message)) wrong.add(describe(refused));
    });
    assert.equal([...wrong].join("\n"), "");
    assert.ok(count > 200, `${count} were refused`);
  });
}

for (const name of ["admin", "ops"] as const) {
  Deno.test(`what ${name} refuses is told in Chinese, and in English to those who prefer it`, async () => {
    const wrong = new Set<string>();
    await refusalsOf(name, {}, (refused) => {
      const message = messageOf(refused);
      if (!HAN.test(message) || VALIDATORS_WORDS.test(message)) wrong.add(describe(refused));
    });
    const count = await refusalsOf(name, { "accept-language": "en-US,en;q=0.9" }, (refused) => {
      if (HAN.test(refused.text)) wrong.add(describe(refused));
    });
    assert.equal([...wrong].join("\n"), "");
    assert.ok(count > 100, `${count} were refused`);
  });
}

Deno.test("a refusal says what is wrong with what, and where for programs", async () => {
  await using app = await startTestApp();
  const as = await registerPerson(app);
  const said = async (method: string, path: string, params: Record<string, unknown>) => {
    const call = method === "GET"
      ? { as, query: params as Record<string, string> }
      : { as, body: params };
    const { message, field } = await callGateway(app, method, path, call);
    return [message, field];
  };
  const nickname = "长".repeat(21);
  const picture = "https://cdn.example.com/a.png";
  const wrong: [Promise<unknown[]>, string, string][] = [
    [said("PUT", "/user/profile", { nickname, avatar: picture }), "昵称不能超过20个字", "nickname"],
    [said("PUT", "/user/profile", { nickname: " ", avatar: picture }), "请填写昵称", "nickname"],
    [said("PUT", "/user/profile", { nickname: "a", avatar: "x:y" }), "头像不正确", "avatar"],
    [said("GET", "/club", { count: "0" }), "每页条数应为1到100", "count"],
    [said("GET", "/club", { count: "101" }), "每页条数应为1到100", "count"],
    [said("GET", "/club", {}), "请填写每页条数", "count"],
    [said("POST", "/aliyun/image/upload", { imageDir: "x" }), "图片目录不正确", "imageDir"],
  ];
  for (const [answer, message, field] of wrong) {
    assert.deepEqual(await answer, [message, field]);
  }
});

Deno.test("whoever prefers English is told in English, where operators are told", () => {
  const told = (language: string, english?: string) =>
    englishOf({ kind: "user_missing", english }, new Headers({ "accept-language": language }));
  for (
    const language of ["en", "EN-us", "de, en;q=0.2", "zh;q=0.5, en-GB;q=0.6", "en, zh", "en;q=1.0"]
  ) {
    assert.equal(told(language), "There is no such user", language);
  }
  const chinese = [
    "",
    "*",
    "de",
    "zh-CN,zh;q=0.9,en;q=0.8",
    "zh, en",
    "en;q=0",
    "en;q=x",
    "english",
  ];
  for (const language of chinese) assert.equal(told(language), undefined, language);
  assert.equal(told("en", "There is no user 7"), "There is no user 7");
});

Deno.test("every parameter has a name that people know", async () => {
  for (const name of surfaceNames) {
    const { endpoints } = await loadSurface(name);
    const schemas = endpoints.flatMap(({ params, query, body }) => [params, query, body]);
    for (const schema of schemas) {
      if (!schema) continue;
      const json = z.toJSONSchema(schema, { io: "input", unrepresentable: "any" }) as Schema;
      const parameters = fieldsOf(json, []).map(({ path }) => path.findLast((it) => it !== "0"));
      const nameless = parameters.filter((it) => it !== undefined && !(it in PARAMETER_NAMES));
      assert.deepEqual(nameless, [], name);
    }
  }
});
