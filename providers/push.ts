export interface PushMessage {
  /** The device's JPush registration id. */
  to: string;
  title: string;
  content: string;
  url: string;
  /** A UUID, the same each time this message is sent, so that repeats are dropped. */
  id: string;
}

export interface Push {
  /**
   * Hands the message over; resolves when it was accepted, now or at an earlier try.
   * @throws {PushRefusedError} when it never will be; any other error: perhaps another time
   */
  send(message: PushMessage): Promise<void>;
}

/** The message was understood and refused: sending it again is of no use. */
export class PushRefusedError extends Error {
  override name = "PushRefusedError";
  constructor(
    message: string,
    /** The app is no longer on the device, or never was. */
    readonly isDeviceGone: boolean,
  ) {
    super(message);
  }
}
