import { z } from "zod";
import { Flag } from "../../fields.ts";
import { openEndpoint } from "../surface.ts";

/** How long the client offers to take a message back, s; nothing here ends with it. */
const REVOKE_SECONDS = 120;

export const readConfig = openEndpoint({
  method: "get",
  path: "/common/appconfig",
  summary: "获取App配置",
  description: "What the client shows and offers; it asks before the login.",
  data: z.object({
    version: z.number().int(),
    web_url: z.string(),
    phone_search_off: Flag,
    shortno_edit_off: Flag,
    revoke_second: z.number().int().describe("Seconds"),
    register_invite_on: Flag,
    send_welcome_message_on: Flag,
    invite_system_account_join_group_on: Flag,
    register_user_must_complete_info_on: Flag,
  }),
  handle: () =>
    Promise.resolve({
      version: 1,
      web_url: "",
      phone_search_off: 0 as const,
      shortno_edit_off: 0 as const,
      revoke_second: REVOKE_SECONDS,
      register_invite_on: 0 as const,
      send_welcome_message_on: 0 as const,
      invite_system_account_join_group_on: 0 as const,
      register_user_must_complete_info_on: 0 as const,
    }),
});
