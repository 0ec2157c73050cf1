/** Whose service brings pushes to a device: `device_type` of the im contract. */
export const DEVICE_TYPES = ["IOS", "MI", "HMS", "OPPO", "VIVO", "FIREBASE", "JPUSH"] as const;
export type DeviceType = typeof DEVICE_TYPES[number];

/** A device type as a client spells it; what nobody knows is a registration with JPush. */
export function deviceTypeOf(said: string): DeviceType {
  return DEVICE_TYPES.find((type) => type === said.trim().toUpperCase()) ?? "JPUSH";
}

export interface PushMessage {
  deviceType: DeviceType;
  /** The app's own id on the device; empty: the client did not say. */
  bundleId: string;
  /** What the service calls the app on the device; of JPush its registration id. */
  token: string;
  title: string;
  content: string;
  url: string;
  /** What the app's icon shows; absent: it stays as it is. */
  badge?: number | undefined;
  /** Whether the device may be heard and felt; absent: both. */
  sounds?: boolean | undefined;
  vibrates?: boolean | undefined;
  /** A UUID, the same each time this message is sent, so that repeats are dropped. */
  id: string;
}

export interface Push {
  /**
   * Hands the message over; resolves when it was accepted, now or at an earlier try.
   * @throws {PushRefusedError} when it never will be; {@link UnservedDeviceError}: not to devices
   *   of this type; any other error: perhaps another time
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

/** There is no service for devices of this type here. */
export class UnservedDeviceError extends Error {
  override name = "UnservedDeviceError";
  constructor(readonly deviceType: DeviceType) {
    super(`no push service for ${deviceType}`);
  }
}

/** The service of the device's own type. */
export function pushByType(services: Partial<Record<DeviceType, Push | undefined>>): Push {
  return {
    async send(message) {
      const service = services[message.deviceType];
      if (!service) throw new UnservedDeviceError(message.deviceType);
      await service.send(message);
    },
  };
}
