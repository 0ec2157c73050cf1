import { Hono } from "hono";
import type { DevelopmentStorage, UploadFailure } from "../providers/storage_development.ts";
import type { Env } from "./serve.ts";

const PREFIX = "/dev/upload/";
const STATUSES = {
  forbidden: 403,
  wrong_type: 403,
  expired: 403,
  too_large: 413,
  no_image: 415,
} as const satisfies Record<UploadFailure, number>;

/**
 * Stands in for the object storage on machines that have none; never there in production. Raw Hono,
 * because files are streamed both ways, and failures are the storage's and not a surface's.
 */
export function uploadRoutes(uploads: DevelopmentStorage): Hono<Env> {
  const hono = new Hono<Env>();

  hono.put("/*", async (c) => {
    const { body, headers } = c.req.raw;
    const type = c.req.query("type") ?? "";
    const failure = await uploads.keep({
      key: c.req.path.slice(PREFIX.length),
      expires: c.req.query("expires") ?? "",
      signature: c.req.query("signature") ?? "",
      type,
      contentType: headers.get("content-type") ?? "",
      byteCount: Number(headers.get("content-length") ?? 0),
      content: body ?? new Blob([]).stream(),
    });
    if (!failure) return c.json({});
    const error = failure === "wrong_type" ? `Content-Type must be ${type}` : failure;
    return c.json({ error }, STATUSES[failure]);
  });

  hono.get("/*", async (c) => {
    const file = await uploads.read(c.req.path.slice(PREFIX.length));
    if (!file) return c.json({ error: "not_found" }, 404);
    // The type is what we found in the file; a browser shall not find another one.
    return c.body(file.content, 200, {
      "Content-Type": file.contentType,
      "X-Content-Type-Options": "nosniff",
    });
  });
  return hono;
}
