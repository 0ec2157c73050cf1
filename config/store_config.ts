import { z } from "zod";

const PLAIN_DATABASE_URL = "must look like postgres://user:password@host:5432/name, with " +
  "characters such as @ : / # % in a part written as %40 and the like";

/** What the drivers can read. Never shown, wrong or not: there is a password in it. */
function isDatabaseUrl(text: string): boolean {
  if (!URL.canParse(text)) return false;
  const { protocol, hostname, username, password, pathname, searchParams } = new URL(text);
  try {
    [username, password, pathname].forEach(decodeURIComponent);
  } catch {
    return false;
  }
  // A socket's folder stands in the query.
  return /^postgres(ql)?:$/.test(protocol) && (hostname !== "" || searchParams.has("host"));
}

/** Where the data is, and the wires to it. */
export const storeVariables = {
  DATABASE_URL: z.string().refine(isDatabaseUrl, PLAIN_DATABASE_URL).optional(),
  REDIS_URL: z.url({
    protocol: /^rediss?$/,
    error: "must look like redis://user:password@host:6379",
  }).optional(),
  UPSTASH_REDIS_REST_URL: z.url({
    protocol: /^https?$/,
    error: "must look like https://name.upstash.io",
  }).optional(),
  UPSTASH_REDIS_REST_TOKEN: z.string().min(1).optional(),
};
