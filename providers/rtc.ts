export interface Rtc {
  /** A token with which anybody may speak and listen in `channel` for `lifeMs`. */
  buildToken(channel: string, lifeMs: number): Promise<string>;
}
