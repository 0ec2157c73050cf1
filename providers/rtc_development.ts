import type { Rtc } from "./rtc.ts";

export function developmentRtc(): Rtc {
  return {
    buildToken: (channel, lifeMs) =>
      Promise.resolve(`007${btoa(JSON.stringify({ development: true, channel, lifeMs }))}`),
  };
}
