export interface Rtc {
  /** A token with which anybody may speak and listen in `channel` for `lifeMs`. */
  buildToken(channel: string, lifeMs: number): Promise<string>;
  /**
   * How many are in `channel`; undefined: it is not there. Absent where nobody can be asked.
   * @throws when there was no answer, or none that says it
   */
  countUsers?: ((channel: string) => Promise<number | undefined>) | undefined;
}
