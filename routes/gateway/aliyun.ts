import { z } from "zod";
import { randomHex32 } from "../../config/keys.ts";
import { perUser } from "../../middleware/rate_limit.ts";
import { HexId } from "../fields.ts";
import { originOf } from "../origin.ts";
import { endpoint } from "./surface.ts";

/** How long an upload may wait for its picture to be chosen and sent, ms. */
const UPLOAD_LIFE_MS = 10 * 60 * 1_000;
/** Whatever the picture is, since the name says so; phones send JPEG. */
const CONTENT_TYPE = "image/jpeg";

export const grantUpload = endpoint({
  method: "post",
  path: "/aliyun/image/upload",
  summary: "创建上传图片凭证",
  description: "`PUT` the picture to `uploadAddress` within ten minutes, with the header " +
    `\`Content-Type: ${CONTENT_TYPE}\` and no other credentials; then it is at \`imageURL\`.`,
  body: z.object({
    imageDir: z.enum(["avatar", "cover", "room", "feedback"])
      .describe("图片目录: 头像 avatar / 封面 cover / 活动 room / 反馈 feedback"),
  }),
  data: z.object({ uploadAddress: z.string(), imageId: HexId, imageURL: z.string() }),
  beforeProfile: true,
  rate: perUser(120, "1 h"),
  handle({ body, actor, ctx, providers, request }) {
    const imageId = randomHex32();
    const grant = providers.storage.signPut({
      key: `image/${actor.uid}/${body.imageDir}/${imageId}.jpg`,
      contentType: CONTENT_TYPE,
      expiresInMs: UPLOAD_LIFE_MS,
      origin: originOf(ctx.config, request),
    });
    return Promise.resolve({
      uploadAddress: grant.uploadUrl,
      imageId,
      imageURL: grant.publicUrl,
    });
  },
});
