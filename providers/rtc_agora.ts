import type { AgoraConfig } from "../config/config.ts";
import { lazy } from "../config/runtime/lazy.ts";
import type { Rtc } from "./rtc.ts";

/** No user of the channel in particular: one token serves the whole room. */
const ANY_UID = 0;

const loadSdk = () => import("agora-token");

/**
 * Tokens for Agora channels, in the form `007…` that current SDKs speak; made here, without a call
 * to anybody.
 */
export function agoraRtc({ appId, appCertificate }: AgoraConfig): Rtc {
  lazy(loadSdk);
  return {
    async buildToken(channel, lifeMs) {
      const { RtcRole, RtcTokenBuilder } = await loadSdk();
      const lifeSeconds = Math.floor(lifeMs / 1000);
      const token = RtcTokenBuilder.buildTokenWithUid(
        appId,
        appCertificate,
        channel,
        ANY_UID,
        RtcRole.PUBLISHER,
        lifeSeconds,
        lifeSeconds,
      );
      // How the package says that id or certificate cannot be right.
      if (!token) throw new Error("Agora: no token for these credentials");
      return token;
    },
  };
}
