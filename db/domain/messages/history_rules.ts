/** Most messages one history shows (docs/contracts/partner.md#get-messages). */
export const HISTORY_COUNT_MAX = 1024;
/**
 * The newest of a person's messages that are looked at for it: of these some were deleted, taken
 * back, or are only for the chat app.
 */
export const LOOKED_AT_COUNT_MAX = 4 * HISTORY_COUNT_MAX;

/** What a partner's clients call the kinds of messages, on the socket and in histories. */
export const Command = {
  peer: 4,
  groupNotification: 7,
  group: 8,
  system: 21,
  fromCustomer: 24,
  fromSeller: 25,
} as const;

/** What decides on a message's {@link Command}. */
export interface MessageFacts {
  isInGroup: boolean;
  /** Somebody said it, not the system. */
  hasSender: boolean;
  /** Between a customer and a seller: whether the customer said it. Absent: between others. */
  isByCustomer: boolean | undefined;
}

export function commandOf({ isInGroup, hasSender, isByCustomer }: MessageFacts): number {
  if (isInGroup) return hasSender ? Command.group : Command.groupNotification;
  if (!hasSender) return Command.system;
  if (isByCustomer === undefined) return Command.peer;
  return isByCustomer ? Command.fromCustomer : Command.fromSeller;
}
