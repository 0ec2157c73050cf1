import { md5Hex, randomHex32 } from "../../../config/keys.ts";
import { linkCacheKey } from "../../../db/domain/client_app/preview_link.ts";
import { releases } from "../../../db/schema/releases.ts";
import { callGateway } from "../../clients/gateway.ts";
import type { TestApp } from "../../harness.ts";
import type { TripsTable } from "../trips_test.ts";
import { warmPerson } from "./warm_person.ts";

async function publishRelease(app: TestApp) {
  await app.database.db.insert(releases).values({
    id: randomHex32(),
    clientType: 1,
    versionCode: 19,
    versionName: "0.1.7",
    description: "1. 增加了名片夹功能",
    downloadUrl: "https://apps.apple.com/cn/app/id1556448380",
    createdAt: new Date(),
  });
}

export const trips: TripsTable = {
  "GET /app/version/upgrade": {
    sql: 1,
    redis: 0,
    async call(app) {
      await publishRelease(app);
      const headers = { "Client-Type": "1", "Version-Code": "18" };
      return await callGateway(app, "GET", "/app/version/upgrade", { headers });
    },
  },
  "POST /app/feedback": {
    sql: 1,
    redis: 1,
    call: async (app) =>
      await callGateway(app, "POST", "/app/feedback", {
        as: await warmPerson(app),
        body: {
          originFeedbackType: 0,
          originId: "",
          feedbackType: 0,
          feedbackContent: "很好用",
          feedbackImageList: ["img1", "img2"],
        },
      }),
  },
  "POST /app/report": {
    sql: 1,
    redis: 1,
    call: async (app) =>
      await callGateway(app, "POST", "/app/report", {
        as: await warmPerson(app),
        body: { originReportType: 2, originId: "a", reportReasonType: 4, reason: "广告" },
      }),
  },
  "POST /app/link/preview/{linkMD5}": {
    sql: 0,
    redis: 1,
    async call(app) {
      const linkMd5 = md5Hex("http://blog.example.com/");
      const preview = {
        image: "",
        description: "",
        title: "Toby",
        url: "http://blog.example.com/",
      };
      await app.redis.redis.set(linkCacheKey(linkMd5), JSON.stringify({ preview }));
      const as = await warmPerson(app);
      return await callGateway(app, "POST", `/app/link/preview/${linkMd5}`, { as });
    },
  },
};
