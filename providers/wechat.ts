/** A JS-SDK ticket as WeChat hands it out; each fetch counts against a small daily number. */
export interface JsapiTicket {
  ticket: string;
  expiresInSeconds: number;
}

export interface Wechat {
  /** Public: pages configure the JS-SDK with it. */
  appId: string;
  /** Where a browser goes to log in; WeChat sends it on to `returnTo` with `code` and `state`. */
  authorizeUrl(login: { returnTo: string; state: string }): string;
  /**
   * Who brought this code; a code is good once.
   * @throws {WechatRefusedError} for a code that is no good; any other error: perhaps another time
   */
  openIdOf(code: string): Promise<string>;
  jsapiTicket(): Promise<JsapiTicket>;
}

export class WechatRefusedError extends Error {
  override name = "WechatRefusedError";
  constructor(readonly errcode: number, message: string) {
    super(message);
  }
}
