import { z } from "zod";
import type { KeptExtra } from "../../db/domain/messages/conversation_extras.ts";

/** Where somebody is in a conversation, and what they have begun to write there. */
export const EXTRA_FIELDS = {
  browse_to: z.number().int(),
  keep_message_seq: z.number().int(),
  keep_offset_y: z.number().int(),
  draft: z.string(),
  version: z.number().int(),
};

export function extraFields(extra: KeptExtra) {
  return {
    browse_to: extra.browseTo,
    keep_message_seq: extra.keepMessageSeq,
    keep_offset_y: extra.keepOffsetY,
    draft: extra.draft,
    version: extra.version,
  };
}
