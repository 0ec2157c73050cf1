import { randomHex32 } from "../../../config/keys.ts";
import { callOps, makeOperator } from "../../clients/ops.ts";
import type { TestApp } from "../../harness.ts";
import { makeGroup, makeUser } from "../../people/factories.ts";
import {
  bearer,
  download,
  fileOf,
  makePaidPerson,
  makeRecord,
  resultLine,
  upload,
} from "../ops/profit_place.ts";
import type { TripsTable } from "../trips_test.ts";

/** An operator whose standing is in the cache, as after any first call, and somebody to pay. */
async function openPlace(app: TestApp) {
  const { token } = await makeOperator(app.ctx, "operator");
  await callOps(app, "GET /v1/withdrawals", { token });
  const payee = await makePaidPerson(app.ctx, {
    mobile: randomMobile(),
    idNo: "310225199001011234",
    card: "6225880212345678",
  });
  const group = await makeGroup(app.ctx, [payee]);
  const { serialId } = await makeRecord(app.ctx, { groupId: group.id, userId: payee.id });
  return { token, group, serialId };
}

const randomMobile = () => `135${String(Math.floor(Math.random() * 1e8)).padStart(8, "0")}`;

export const trips: TripsTable = {
  "GET /v1/profits/cny_records": {
    sql: 1,
    redis: 1,
    async call(app) {
      const { token } = await openPlace(app);
      return await callOps(app, "GET /v1/profits/cny_records", {
        token,
        query: { keyword: "徐辉" },
      });
    },
  },
  "POST /v1/profits/cny_records/download": {
    sql: 1,
    redis: 1,
    why: "the first page of records; each further one is a trip while the file is sent",
    async call(app) {
      const { token } = await openPlace(app);
      const { status, headers, body } = await download(app, bearer(token));
      await body!.cancel();
      return { http: status, headers };
    },
  },
  "POST /v1/profits/cny_records/feedback": {
    sql: 5,
    redis: 1,
    why: "begin, a batch of results, the record of who did it, commit; then the file's counts",
    async call(app) {
      const { token, serialId } = await openPlace(app);
      return await upload(app, bearer(token), fileOf(resultLine(serialId, "成功")));
    },
  },
  "PATCH /v1/cny_records/{serial_id}/set_result": {
    sql: 5,
    redis: 1,
    why: "begin, the result, the record of who did it, the answer, commit",
    async call(app) {
      const { token, serialId } = await openPlace(app);
      return await callOps(app, "PATCH /v1/cny_records/{serial_id}/set_result", {
        token,
        params: { serial_id: serialId },
        body: { state: "claimed", description: "已发放" },
      });
    },
  },
  "POST /v1/groups/{group_id}/payments": {
    sql: 6,
    redis: 1,
    why: "begin, the months' lock, which are closed, the payments, the record of it, commit",
    async call(app) {
      const { token, group } = await openPlace(app);
      const { uid } = await makeUser(app.ctx);
      const paid_at = "2021-02-03T10:00:00+08:00";
      return await callOps(app, "POST /v1/groups/{group_id}/payments", {
        token,
        params: { group_id: String(group.id) },
        body: { payments: [{ trace_id: randomHex32(), user_id: uid, amount: "1", paid_at }] },
      });
    },
  },
};
