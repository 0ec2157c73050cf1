import { z } from "zod";
import { scanQrLogin } from "../../db/domain/chat_accounts/qr_login.ts";
import { scanCode } from "../../db/domain/groups/qrcode.ts";
import { originOf } from "../origin.ts";
import { endpoint } from "./surface.ts";
import { vercodeOf } from "./vercode.ts";

const CODE_LENGTH_MAX = 512;
/** What a desktop shows to be logged in. */
const LOGIN_CODE = /^(login_)?[a-f0-9]{32}$/;

/** Who opens what the code leads to, the app or a web page, and with which data. */
const Answer = z.object({
  forward: z.enum(["native", "h5"]),
  type: z.enum(["userInfo", "group", "loginConfirm", "webview"]),
  data: z.record(z.string(), z.string()),
});
type Answer = z.infer<typeof Answer>;

export const scan = endpoint({
  method: "get",
  path: "/qrcode/{code}",
  summary: "处理二维码信息",
  description:
    "What a scanned code says to you: somebody's profile, a group you are in, the page " +
    "on which you join one, or a login to confirm.",
  params: z.object({ code: z.string().max(CODE_LENGTH_MAX).describe("二维码code") }),
  data: Answer,
  errors: ["qrcode_invalid"],
  async handle({ params: { code }, actor: { userId }, ctx, request }): Promise<Answer> {
    if (LOGIN_CODE.test(code)) {
      const data = await scanQrLogin(ctx, { code, userId });
      return { forward: "native", type: "loginConfirm", data };
    }
    const scanned = await scanCode(ctx, { code, userId });
    if (scanned.kind === "user") {
      const data = { uid: scanned.uid, vercode: vercodeOf(scanned.uid) };
      return { forward: "native", type: "userInfo", data };
    }
    if (scanned.kind === "group") {
      return { forward: "native", type: "group", data: { group_no: scanned.groupNo } };
    }
    const search = new URLSearchParams({
      group_no: scanned.groupNo,
      auth_code: scanned.authCode,
    });
    const url = `${originOf(ctx.config, request)}/h5/group/join?${search}`;
    return { forward: "h5", type: "webview", data: { url } };
  },
});
