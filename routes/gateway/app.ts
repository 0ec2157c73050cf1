import { z } from "zod";
import {
  FEEDBACK_LENGTH_MAX,
  FEEDBACK_TYPE_MAX,
  IMAGE_COUNT_MAX,
  IMAGE_LENGTH_MAX,
  isOriginNamed,
  ORIGIN_ID_LENGTH_MAX,
  REASON_LENGTH_MAX,
} from "../../db/domain/client_app/feedback_rules.ts";
import { LINK_LENGTH_MAX } from "../../db/domain/client_app/links_rules.ts";
import { previewLink } from "../../db/domain/client_app/preview_link.ts";
import { readNewestRelease } from "../../db/domain/client_app/releases_reads.ts";
import { sendFeedback } from "../../db/domain/client_app/send_feedback.ts";
import { sendReport } from "../../db/domain/client_app/send_report.ts";
import { perUser } from "../../middleware/rate_limit.ts";
import { Flag, flag, HexId, Nothing, pictureUpTo, Text, textUpTo } from "../fields.ts";
import { clientOf } from "./client_headers.ts";
import { endpoint, openEndpoint } from "./surface.ts";

export const readNewestVersion = openEndpoint({
  method: "get",
  path: "/app/version/upgrade",
  summary: "获取最新版本",
  description: "For the client the headers `Client-Type` (1 or 2) and `Version-Code` speak of. " +
    "Status 0 when it runs the newest version already; the web always does.",
  unsigned: true,
  data: z.object({
    clientType: z.number().int().describe("1 iOS, 2 Android"),
    createTime: z.number().int().describe("ms"),
    downloadUrl: z.string(),
    forcedUpgrade: Flag.describe("1: the client's own version must not be used any longer"),
    versionCode: z.number().int(),
    versionDesc: z.string(),
    versionId: HexId,
    versionName: z.string(),
  }),
  errors: ["release_missing"],
  async handle({ headers, address, ctx }) {
    const release = await readNewestRelease(ctx, clientOf(headers, address));
    return {
      clientType: release.clientType,
      createTime: release.createdAt.getTime(),
      downloadUrl: release.downloadUrl,
      forcedUpgrade: flag(release.forced),
      versionCode: release.versionCode,
      versionDesc: release.description,
      versionId: release.id,
      versionName: release.versionName,
    };
  },
});

const Origin = Text.pipe(z.string().trim().max(ORIGIN_ID_LENGTH_MAX));

export const giveFeedback = endpoint({
  method: "post",
  path: "/app/feedback",
  summary: "反馈",
  body: z.object({
    originFeedbackType: z.literal([0, 1]).describe("反馈来源类型: 0 App / 1 Room"),
    originId: Origin.describe("反馈来源ID; may be empty for 0"),
    feedbackType: z.number().int().min(0).max(FEEDBACK_TYPE_MAX)
      .describe("反馈类型: 0 default"),
    feedbackContent: textUpTo(FEEDBACK_LENGTH_MAX).describe("反馈内容"),
    feedbackImageList: z.array(pictureUpTo(IMAGE_LENGTH_MAX)).max(IMAGE_COUNT_MAX)
      .nullish().describe("反馈图片"),
  }).refine(
    ({ originFeedbackType, originId }) => isOriginNamed(originFeedbackType, originId),
    { path: ["originId"] },
  ),
  data: Nothing,
  message: "反馈成功",
  rate: perUser(60, "1 h"),
  async handle({ body, actor, ctx }) {
    await sendFeedback(ctx, {
      userId: actor.userId,
      originType: body.originFeedbackType,
      originId: body.originId,
      type: body.feedbackType,
      content: body.feedbackContent,
      images: body.feedbackImageList ?? [],
    });
    return {};
  },
});

export const report = endpoint({
  method: "post",
  path: "/app/report",
  summary: "投诉",
  body: z.object({
    originReportType: z.literal([1, 2]).describe("投诉来源类型: 1 用户 / 2 活动"),
    originId: Origin.pipe(z.string().min(1)).describe("投诉来源ID"),
    reportReasonType: z.literal([1, 2, 3, 4, 5])
      .describe("1 涉嫌违法违规 / 2 色情淫秽 / 3 暴力血腥 / 4 广告营销 / 5 其他"),
    reason: textUpTo(REASON_LENGTH_MAX).describe("投诉原因"),
  }),
  data: Nothing,
  message: "投诉成功",
  rate: perUser(60, "1 h"),
  async handle({ body, actor, ctx }) {
    await sendReport(ctx, {
      userId: actor.userId,
      originType: body.originReportType,
      originId: body.originId,
      reasonType: body.reportReasonType,
      reason: body.reason,
    });
    return {};
  },
});

export const preview = endpoint({
  method: "post",
  path: "/app/link/preview/{linkMD5}",
  aliases: [{ method: "get" }],
  summary: "获取链接预览",
  description:
    "The page is read at the first asking and remembered for a day. Without `url` only " +
    "what is remembered is answered. Where nothing is known all texts are empty.",
  params: z.object({
    linkMD5: HexId.describe("MD5 of the link, with `http://` in front unless it has a scheme"),
  }),
  body: z.object({
    url: z.string().min(1).max(LINK_LENGTH_MAX).nullish()
      .describe("The link itself"),
  }),
  data: z.object({
    image: z.string(),
    description: z.string(),
    title: z.string(),
    url: z.string(),
  }),
  errors: ["link_refused"],
  rate: perUser(60, "1 min"),
  repeatable: true,
  handle: ({ params, body, ctx, providers }) =>
    previewLink(ctx, {
      linkMd5: params.linkMD5,
      url: body.url ?? undefined,
      read: (url) => providers.links.read(url),
    }),
});
