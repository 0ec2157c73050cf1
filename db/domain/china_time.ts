/** China's clock is ahead of UTC by this, all year, ms: contracts show its times and count its days. */
export const CHINA_AHEAD_MS = 8 * 60 * 60 * 1000;
const DAY_MS = 24 * 60 * 60 * 1000;

/** A time moved ahead, so that its UTC fields are what a clock in China shows. */
export function inChina(at: Date): Date {
  return new Date(at.getTime() + CHINA_AHEAD_MS);
}

export function dayStart(at: Date): Date {
  return new Date(Math.floor(inChina(at).getTime() / DAY_MS) * DAY_MS - CHINA_AHEAD_MS);
}
