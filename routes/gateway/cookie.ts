/** The session of a WeChat user, under the name deployed H5 pages know. */
export const WECHAT_COOKIE = "chaoqer_wx_code";
