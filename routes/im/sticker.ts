import { z } from "zod";
import { endpoint } from "./surface.ts";

export const listCategories = endpoint({
  method: "get",
  path: "/sticker/user/category",
  summary: "获取用户表情分类",
  description: "Nobody has any here.",
  data: z.array(z.object({ category: z.string(), cover: z.string() })),
  handle: () => Promise.resolve([]),
});

export const list = endpoint({
  method: "get",
  path: "/sticker/user/sticker",
  summary: "获取分类下的表情",
  description: "Nobody has any here.",
  query: z.object({ category: z.string().optional() }),
  data: z.array(z.object({ path: z.string(), category: z.string() })),
  handle: () => Promise.resolve([]),
});
