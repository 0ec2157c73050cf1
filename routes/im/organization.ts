import { z } from "zod";
import { endpoint } from "./surface.ts";

export const listJoined = endpoint({
  method: "get",
  path: "/organization/joined",
  summary: "获取加入的组织",
  description: "There are none here.",
  data: z.array(z.object({ org_id: z.string(), name: z.string() })),
  handle: () => Promise.resolve([]),
});
