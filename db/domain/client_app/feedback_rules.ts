/** Characters as people count them. */
export const FEEDBACK_LENGTH_MAX = 500;
export const REASON_LENGTH_MAX = 500;
export const ORIGIN_ID_LENGTH_MAX = 100;
export const IMAGE_LENGTH_MAX = 1_000;
export const IMAGE_COUNT_MAX = 3;

/** Types from 0 on are what an app makes of them. */
export const FEEDBACK_TYPE_MAX = 99;

export const FeedbackOrigin = { app: 0, room: 1 } as const;
export const ReportOrigin = { person: 1, room: 2 } as const;

/** The app itself has no id; everything else must be named. */
export function isOriginNamed(originType: number, originId: string): boolean {
  return originType === FeedbackOrigin.app || originId.trim() !== "";
}
