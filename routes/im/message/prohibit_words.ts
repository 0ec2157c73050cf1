import { z } from "zod";
import { endpoint } from "../surface.ts";

export const sync = endpoint({
  method: "get",
  path: "/message/prohibit_words/sync",
  summary: "同步违禁词",
  description: "Words the client covers up. None are kept here.",
  query: z.object({ version: z.coerce.number().catch(0).default(0) }),
  data: z.array(z.object({
    id: z.number().int(),
    content: z.string(),
    is_deleted: z.literal([0, 1]),
    version: z.number().int(),
  })),
  handle: () => Promise.resolve([]),
});
