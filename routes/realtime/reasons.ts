/** Why a connection, a message or a subscription was or was not accepted (WuKong's own numbers). */
export const Reason = {
  unknown: 0,
  success: 1,
  auth_failed: 2,
  not_a_member: 3,
  in_blacklist: 4,
  channel_missing: 5,
  user_not_on_node: 6,
  sender_offline: 7,
  msg_key_wrong: 8,
  payload_invalid: 9,
  forward_failed: 10,
  sending_not_allowed: 11,
  kicked: 12,
  not_in_whitelist: 13,
  token_lookup_failed: 14,
  system_error: 15,
  channel_id_invalid: 16,
  node_match_error: 17,
  node_mismatch: 18,
  banned: 19,
  header_unsupported: 20,
  client_key_empty: 21,
  rate_limited: 22,
  channel_type_unsupported: 23,
  disbanded: 24,
  sending_banned: 25,
} as const;

export type ReasonName = keyof typeof Reason;
export type ReasonCode = (typeof Reason)[ReasonName];

const names = Object.keys(Reason) as ReasonName[];

/** The name of a code, `unknown` for one that is not in the table. */
export function reasonName(code: number): ReasonName {
  return names.find((name) => Reason[name] === code) ?? "unknown";
}

/** Codes a WebSocket is closed with (RFC 6455). */
export const CloseCode = {
  normal: 1000,
  going_away: 1001,
  protocol_error: 1002,
  policy_violation: 1008,
  message_too_big: 1009,
  unexpected: 1011,
  restarting: 1012,
  try_again_later: 1013,
} as const;
