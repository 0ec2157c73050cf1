import { type Wechat, WechatRefusedError } from "./wechat.ts";

const CODE = "development";
const OPEN_ID = "development-openid";

export const DEVELOPMENT_LOGIN_PATH = "/dev/wechat";

/** Everybody is the same person, whom our own page logs in at once. */
export function developmentWechat(): Wechat {
  return {
    appId: "wx0000000000000000",
    // The page goes back to our own callback whatever it is told: it must not send anybody elsewhere.
    authorizeUrl: ({ state }) =>
      `${DEVELOPMENT_LOGIN_PATH}?${new URLSearchParams({ code: CODE, state })}`,
    openIdOf: (code) =>
      code === CODE
        ? Promise.resolve(OPEN_ID)
        : Promise.reject(new WechatRefusedError(40029, "WeChat: refused: 40029 invalid code")),
    jsapiTicket: () =>
      Promise.resolve({ ticket: "development-jsapi-ticket", expiresInSeconds: 7_200 }),
  };
}
