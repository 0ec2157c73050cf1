import { asc, desc, eq } from "drizzle-orm";
import assert from "node:assert/strict";
import { PROBLEMS_TOLD_MAX } from "../../../db/domain/payouts/take_feedback.ts";
import { operatorActions } from "../../../db/schema/operators.ts";
import { profitRecords } from "../../../db/schema/payouts.ts";
import { UPLOAD_BYTES_MAX } from "../../../routes/ops/profits/read_upload.ts";
import {
  assertNeedsOperator,
  assertOpsFailure,
  makeOperator,
  makeOpsKey,
} from "../../clients/ops.ts";
import { startTestApp, type TestApp } from "../../harness.ts";
import { makeGroup } from "../../people/factories.ts";
import {
  bearer,
  download,
  fileOf,
  HEADER,
  makePaidPerson,
  makeRecord,
  randomSerial,
  resultLine,
  send,
  upload,
} from "./profit_place.ts";

const CALL = "POST /v1/profits/cny_records/feedback";
const INVALID = { http: 400, code: 4001 };
const NOTHING = {
  result: "ok",
  claimed: 0,
  failed: 0,
  unchanged: 0,
  skipped: 0,
  unknown_count: 0,
  unknown: [],
  rejected_count: 0,
  rejected: [],
};

async function openPlace(app: TestApp) {
  const payee = await makePaidPerson(app.ctx, {
    mobile: "13511111111",
    idNo: "310225199001011234",
    card: "6225880212345678",
  });
  const group = await makeGroup(app.ctx, [payee]);
  const { token, operatorId } = await makeOperator(app.ctx, "operator");
  let month = 200001;
  const make = async (over: Partial<typeof profitRecords.$inferInsert> = {}) =>
    (await makeRecord(app.ctx, {
      groupId: group.id,
      userId: payee.id,
      period: String(month++),
      ...over,
    })).serialId;
  const readState = async (serialId: string) => {
    const [row] = await app.ctx.db.select().from(profitRecords)
      .where(eq(profitRecords.serialId, serialId));
    return [row!.state, row!.description];
  };
  return { payee, group, headers: bearer(token), operatorId, make, readState };
}

const rowsOf = (app: TestApp) =>
  app.ctx.db.select().from(profitRecords).orderBy(asc(profitRecords.serialId));
const lastActions = (app: TestApp, count: number) =>
  app.ctx.db.select().from(operatorActions).orderBy(desc(operatorActions.id)).limit(count);

Deno.test(CALL, async (t) => {
  await using app = await startTestApp();
  const { payee, headers, operatorId, make, readState, group } = await openPlace(app);
  const give = (...lines: string[]) => upload(app, headers, fileOf(...lines));
  const given = async (...lines: string[]) => {
    const { http, data } = await give(...lines);
    assert.equal(http, 200, JSON.stringify(data));
    return data;
  };

  await t.step(
    "takes success for paid, nothing for nothing, and all else for a reason",
    async () => {
      const serials: string[] = [];
      for (let at = 0; at < 5; at++) serials.push(await make());
      const [one, two, three, failed, silent] = serials as [string, string, string, string, string];
      const lines = [
        resultLine(one, "成功"),
        resultLine(two, "已发放"),
        resultLine(three.toUpperCase(), " Claimed "),
        resultLine(failed, "银行卡错误"),
        resultLine(silent, "  "),
      ];
      assert.deepEqual(await given(...lines), { ...NOTHING, claimed: 3, failed: 1, skipped: 1 });
      const states = await Promise.all(serials.map(readState));
      assert.deepEqual(states, [
        ...[["claimed", "成功"], ["claimed", "已发放"], ["claimed", "Claimed"]],
        ...[["error", "银行卡错误"], ["init", ""]],
      ]);
      const before = await rowsOf(app);
      app.clock.advance(60_000);
      assert.deepEqual(await given(...lines), { ...NOTHING, unchanged: 4, skipped: 1 });
      assert.deepEqual(await rowsOf(app), before, "the same file changes nothing");
    },
  );

  await t.step("writes down who did it: the records of a batch, the counts of a file", async () => {
    const [paid, failed] = [await make(), await make()];
    await given(resultLine(paid, "成功"), resultLine(failed, "失败"), resultLine("x", "成功"));
    const [file, batch] = await lastActions(app, 2);
    assert.deepEqual(
      [batch!.operatorId, batch!.action, batch!.after],
      [operatorId, "profits.feedback_rows", { claimed: [paid], error: [failed] }],
    );
    assert.deepEqual([file!.operatorId, file!.action, file!.after], [
      ...[operatorId, "profits.feedback"],
      {
        claimedCount: 1,
        failedCount: 1,
        unchangedCount: 0,
        skippedCount: 0,
        unknownCount: 0,
        rejectedCount: 1,
      },
    ]);
    await given(resultLine(paid, "成功"));
    const [again, before] = await lastActions(app, 2);
    assert.deepEqual([again!.action, before!.id], ["profits.feedback", file!.id]);
  });

  await t.step("leaves a paid record as it is, whatever a file says", async () => {
    const serialId = await make();
    await given(resultLine(serialId, "成功"));
    assert.deepEqual(await given(resultLine(serialId, "退票")), {
      ...NOTHING,
      rejected_count: 1,
      rejected: [{ line: 2, reason: "已发放，不能再改" }],
    });
    assert.deepEqual(await given(resultLine(serialId, "已发放")), { ...NOTHING, unchanged: 1 });
    assert.deepEqual(await readState(serialId), ["claimed", "成功"]);
  });

  await t.step("pays what was in error, and gives another reason", async () => {
    const serialId = await make({ state: "error", description: "bank account not found" });
    for (const [word, state] of [["户名不符", "error"], ["退票", "error"], ["成功", "claimed"]]) {
      await given(resultLine(serialId, word!));
      assert.deepEqual(await readState(serialId), [state, word]);
    }
  });

  await t.step(
    "tells lines it cannot enter, by their numbers in the file, and enters the rest",
    async () => {
      const [serialId, stranger] = [await make(), randomSerial()];
      const data = await given(
        resultLine("not-a-serial", "成功"),
        "too,few,cells",
        `${resultLine(stranger, "成功")}`,
        `${resultLine(serialId, "成功")},behind`,
        resultLine(serialId, "字".repeat(201)),
        resultLine(serialId, "\0"),
        '"a cell\nof two lines",,,,,,,,,,成功',
        resultLine(serialId, "成功"),
      );
      assert.deepEqual(data, {
        ...NOTHING,
        claimed: 1,
        unknown_count: 1,
        rejected_count: 6,
        unknown: [{ line: 4, serial_id: stranger }],
        rejected: [
          ...[{ line: 2, reason: "流水号不正确" }, { line: 3, reason: "列数不正确" }],
          ...[{ line: 5, reason: "列数不正确" }, { line: 6, reason: "打款结果不能超过200个字" }],
          ...[{ line: 7, reason: "打款结果中有不可用的字符" }, { line: 9, reason: "流水号不正确" }],
        ],
      });
      assert.deepEqual(await readState(serialId), ["claimed", "成功"]);
    },
  );

  await t.step("of many such lines it tells the first, and how many there are", async () => {
    const strangers = Array.from({ length: 120 }, () => resultLine(randomSerial(), "成功"));
    const data = await given(...strangers, ...strangers.map(() => resultLine("x", "成功")));
    assert.deepEqual([data.unknown_count, data.rejected_count], [120, 120]);
    for (const told of [data.unknown, data.rejected]) assert.equal(told.length, PROBLEMS_TOLD_MAX);
  });

  await t.step("enters what stands of a record later in the file later", async () => {
    const [one, other] = [await make(), await make()];
    const data = await given(
      ...[resultLine(one, "退票"), resultLine(one, "成功"), resultLine(one, "退票")],
      ...[resultLine(other, "退票"), resultLine(other, "退票")],
    );
    assert.deepEqual([data.failed, data.claimed, data.unchanged, data.rejected_count], [
      2,
      1,
      1,
      1,
    ]);
    assert.deepEqual(await readState(one), ["claimed", "成功"]);
  });

  await t.step("enters more lines than one batch has", async () => {
    const serials = await Promise.all(Array.from({ length: 1_203 }, () => make()));
    const lines = serials.map((serialId, at) => resultLine(serialId, at % 3 ? "成功" : "退票"));
    assert.deepEqual(await given(...lines), { ...NOTHING, claimed: 802, failed: 401 });
    assert.deepEqual(await given(...lines), { ...NOTHING, unchanged: 1_203 });
  });

  await t.step("takes back what was downloaded, guarded texts included", async () => {
    const [paid, failed] = [await make(), await make()];
    const text = (await (await download(app, headers)).text())
      .replace(new RegExp(`(${paid}.*),\n`), "$1,成功\n")
      .replace(new RegExp(`(${failed}.*),\n`), "$1,'=1+1\n");
    const { data } = await upload(app, headers, `\ufeff${text}`);
    assert.deepEqual([data.claimed, data.failed, data.rejected_count], [1, 1, 0]);
    assert.deepEqual(await readState(failed), ["error", "=1+1"]);
  });

  await t.step("knows only the groups of the call's header, or of the key", async () => {
    const elsewhere = await makeGroup(app.ctx, [payee]);
    const [here, there] = [await make(), await make({ groupId: elsewhere.id })];
    const file = fileOf(resultLine(here, "成功"), resultLine(there, "成功"));
    const { authorization } = await makeOpsKey(app.ctx, [elsewhere.id]);
    const key = { authorization };
    const { data } = await upload(app, key, file);
    assert.deepEqual([data.claimed, data.unknown], [1, [{ line: 2, serial_id: here }]]);
    assert.deepEqual(await readState(here), ["init", ""]);
    const [action] = await lastActions(app, 1);
    assert.ok(action!.opsKeyId !== null && action!.operatorId === null);
    const foreign = await upload(app, { ...key, group_id: String(group.id) }, file);
    assertOpsFailure(foreign, { http: 403, code: 4003, msg: "请求被拒绝" });
    const narrowed = await upload(app, { ...headers, group_id: String(elsewhere.id) }, file);
    assert.deepEqual([narrowed.data.unchanged, narrowed.data.unknown_count], [1, 1]);
    const whole = await upload(app, { ...headers, group_id: String(group.id) }, file);
    assert.deepEqual([whole.data.claimed, whole.data.unknown_count], [1, 1]);
  });

  await t.step("is for operators who may", async () => {
    await assertNeedsOperator(app, CALL, { refused: ["auditor"] });
  });
});

/** GB18030 of the words these tests use; the platform encodes nothing but UTF-8. */
const GB18030_BYTES: Record<string, number[]> = {};
function gb18030(text: string): Uint8Array<ArrayBuffer> {
  const decoder = new TextDecoder("gb18030");
  if (Object.keys(GB18030_BYTES).length === 0) {
    for (let lead = 0x81; lead <= 0xfe; lead++) {
      for (let trail = 0x40; trail <= 0xfe; trail++) {
        const char = decoder.decode(Uint8Array.of(lead, trail));
        if ([...char].length === 1) GB18030_BYTES[char] ??= [lead, trail];
      }
    }
  }
  const bytes = [...text].flatMap((char) =>
    char < "\x80" ? [char.charCodeAt(0)] : GB18030_BYTES[char]!
  );
  return Uint8Array.from(bytes);
}

Deno.test("files are read as spreadsheets write them", async (t) => {
  await using app = await startTestApp();
  const { headers, make, readState } = await openPlace(app);
  const quoted = (line: string) => line.split(",").map((cell) => `"${cell}"`).join(",");
  type Written = (lines: string[]) => BlobPart;
  const ways: Record<string, Written> = {
    "with a byte order mark": (lines) => `\ufeff${lines.join("\n")}`,
    "with carriage returns": (lines) => `${lines.join("\r\n")}\r\n`,
    "with carriage returns alone": (lines) => lines.join("\r"),
    "with every cell quoted": (lines) => lines.map(quoted).join("\r\n"),
    "with empty columns behind": (lines) => lines.map((line) => `${line},,,`).join("\n"),
    "with blank lines": (lines) => `${lines.join("\n\n")}\n,,,,,,,,,,\n\n,,\n`,
    "without an end of the last line": (lines) => lines.join("\n"),
    "with a quote in a cell without quotes": (lines) =>
      lines.join("\n").replace(",徐辉,徐辉,", ',徐"辉",徐辉,'),
    "in GB18030": (lines) => gb18030(lines.join("\r\n")),
    "in GB18030, quoted": (lines) => gb18030(lines.map(quoted).join("\r\n")),
  };
  for (const [name, write] of Object.entries(ways)) {
    await t.step(name, async () => {
      const [paid, failed] = [await make(), await make()];
      const lines = [HEADER, resultLine(paid, "成功"), resultLine(failed, "银行卡错误")];
      const { http, data } = await upload(app, headers, write(lines));
      assert.deepEqual([http, data], [200, { ...NOTHING, claimed: 1, failed: 1 }]);
      assert.deepEqual(await readState(failed), ["error", "银行卡错误"]);
    });
  }

  await t.step("as the body itself", async () => {
    const serialId = await make();
    const body = fileOf(resultLine(serialId, "成功"));
    const { data } = await send(app, { ...headers, "Content-Type": "text/csv" }, body);
    assert.equal(data.claimed, 1);
  });
});

Deno.test("what is no such file is refused, and nothing is done", async (t) => {
  await using app = await startTestApp();
  const { headers, make } = await openPlace(app);
  const serialId = await make();
  const line = resultLine(serialId, "成功");
  const before = await rowsOf(app);
  const csv = { ...headers, "Content-Type": "text/csv" };
  const form = (boundary: string) => ({
    ...headers,
    "Content-Type": `multipart/form-data; boundary=${boundary}`,
  });
  const part = (name: string, content: string) =>
    `--x\r\nContent-Disposition: form-data; name="${name}"; filename="a.csv"\r\n` +
    `Content-Type: text/csv\r\n\r\n${content}`;
  const cases: Record<string, () => ReturnType<typeof send>> = {
    "no body": () => send(app, headers, undefined),
    "JSON": () => send(app, { ...headers, "Content-Type": "application/json" }, "{}"),
    "another field": () => upload(app, headers, fileOf(line), "csv"),
    "a field that is no file": () => {
      const body = new FormData();
      body.set("file", fileOf(line));
      return send(app, headers, body);
    },
    "a form without a boundary": () =>
      send(app, { ...headers, "Content-Type": "multipart/form-data" }, fileOf(line)),
    "a form that is none": () => send(app, form("x"), "nothing of that kind"),
    "an empty form": () => send(app, form("x"), "--x--\r\n"),
    "an empty file": () => upload(app, headers, ""),
    "an empty body": () => send(app, csv, ""),
    "no first line": () => upload(app, headers, line),
    "another first line": () => upload(app, headers, `${HEADER.replace("打款", "放款")}\n${line}`),
    "a first line with columns missing": () =>
      upload(app, headers, `${HEADER.replace(",打款结果", "")}\n${line}`),
    "a first line in another order": () =>
      upload(app, headers, `${HEADER.split(",").reverse().join(",")}\n${line}`),
    "a spreadsheet's own format": () =>
      upload(app, headers, Uint8Array.of(0x50, 0x4b, 3, 4, 0xff, 0xfe, 0, 1)),
    "UTF-16": () => {
      const units = Uint16Array.from(`\ufeff${fileOf(line)}`, (char) => char.charCodeAt(0));
      return upload(app, headers, units);
    },
    "a quote that never ends": () => upload(app, headers, `${HEADER}\n${line}\n"${"x".repeat(99)}`),
    "a line without an end": () =>
      upload(app, headers, `${HEADER}\n${line}\n${"x,".repeat(70_000)}`),
    "bytes that are no text": () =>
      send(app, csv, Uint8Array.from([...new TextEncoder().encode(`${HEADER}\n${line}\n`), 0xff])),
    "a form that breaks off in its file": () => send(app, form("x"), part("file", fileOf(line))),
  };
  for (const [name, call] of Object.entries(cases)) {
    await t.step(name, async () => assertOpsFailure(await call(), INVALID));
  }
  assert.deepEqual(await rowsOf(app), before);

  await t.step("a file that is too large", async () => {
    const tooLarge = { ...csv, "Content-Length": String(UPLOAD_BYTES_MAX + 1) };
    const answer = await send(app, tooLarge, fileOf(line));
    assertOpsFailure(answer, { http: 413, code: 4001 });
  });
});

Deno.test("an upload that breaks off, or goes on for ever, ends", async (t) => {
  await using app = await startTestApp();
  const { headers, make, readState } = await openPlace(app);
  const encoder = new TextEncoder();
  /** A body of these pieces, and then `after`. */
  const bodyOf = (pieces: string[], after: () => Promise<string | undefined>) => {
    const seen = { cancelled: false };
    const stream = new ReadableStream<Uint8Array<ArrayBuffer>>({
      async pull(controller) {
        const piece = pieces.shift() ?? await after();
        if (piece === undefined) controller.close();
        else controller.enqueue(encoder.encode(piece));
      },
      cancel() {
        seen.cancelled = true;
      },
    }, { highWaterMark: 0 });
    return { stream, seen };
  };

  for (
    const [name, type] of [["a file", "text/csv"], ["a form", "multipart/form-data; boundary=x"]]
  ) {
    const opening = name === "a form"
      ? '--x\r\nContent-Disposition: form-data; name="file"; filename="a"\r\n\r\n'
      : "";
    await t.step(`${name} of which the rest does not come`, async () => {
      const serials = await Promise.all(Array.from({ length: 501 }, () => make()));
      const lines = serials.map((serialId) => resultLine(serialId, "成功"));
      const { stream } = bodyOf(
        [opening + fileOf(...lines)],
        () => Promise.reject(new Error("the connection is gone")),
      );
      const answer = await send(app, { ...headers, "Content-Type": type! }, stream);
      assert.equal(answer.http, 499);
      const [first] = await readState(serials[0]!);
      assert.ok(first === "claimed" || first === "init");
      const again = await upload(app, headers, fileOf(...lines));
      assert.equal(again.data.claimed + again.data.unchanged, 501);
    });

    await t.step(
      `${name} with a wrong first line is refused though nothing more comes`,
      async () => {
        // Longer than what the encoding is told by.
        const { stream } = bodyOf(
          [`${opening}${"x".repeat(2_000)}\nwrong,header\n`],
          () => new Promise(() => {}),
        );
        const answer = await send(app, { ...headers, "Content-Type": type! }, stream);
        assertOpsFailure(answer, INVALID);
      },
    );

    await t.step(`${name} with a wrong first line is not read to its end`, async () => {
      const endless = bodyOf(
        [`${opening}wrong,header\n`],
        () => Promise.resolve(`${"x".repeat(10_000)}\n`),
      );
      const answer = await send(app, { ...headers, "Content-Type": type! }, endless.stream);
      assertOpsFailure(answer, INVALID);
      await new Promise((resolve) => setTimeout(resolve, 20));
      assert.ok(endless.seen.cancelled);
    });
  }
});
