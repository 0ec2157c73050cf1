import { md5Hex } from "../../../config/keys.ts";
import { DeadlineError, withDeadline } from "../../../config/runtime/deadline.ts";
import type { Ctx } from "../../client/ctx.ts";
import { isRedisAway, type Redis } from "../../redis/client.ts";
import { DomainError } from "../errors.ts";
import { withScheme } from "./links_rules.ts";

export interface LinkPreview {
  image: string;
  description: string;
  title: string;
  url: string;
}

/** A preview or why there is none; `busy` speaks of us and is forgotten at once. */
type Outcome =
  | { preview: LinkPreview }
  | { failure: "refused" | "unreadable" | "unreachable" | "busy" };

export interface PreviewLinkInput {
  linkMd5: string;
  /** Absent: only what is known already is answered. */
  url: string | undefined;
  /** Goes and reads the page; an outside call, bounded by itself. */
  read: (url: string) => Promise<Outcome>;
}

const PREVIEW_LIFE_MS = 24 * 60 * 60 * 1_000;
const FAILURE_LIFE_MS = 10 * 60 * 1_000;
/** The whole of it, so that with the guards a caller waits for less than four seconds. */
const PREVIEW_TIMEOUT_MS = 3_200;
/** Longer than any reader works; if one dies, another caller may try after this. */
const LOCK_LIFE_MS = 5_000;
const POLL_INTERVAL_MS = 150;
const POLL_COUNT_MAX = 20;
/** An answer in hand is not held back longer than this by a slow cache. */
const KEEP_TIMEOUT_MS = 150;

/** Of what nothing is known: the app shows the bare link. */
const UNKNOWN: LinkPreview = { title: "", description: "", image: "", url: "" };

export const linkCacheKey = (linkMd5: string) => `link:${linkMd5}`;
const lockKey = (linkMd5: string) => `link-lock:${linkMd5}`;

const underWay = new WeakMap<Redis, Map<string, Promise<Outcome>>>();

/**
 * What a linked page says of itself. The caller waits for the page, but a link is fetched once a
 * day however many ask, and a failed one every ten minutes.
 * @returns nothing but empty texts where there is nothing to show, which is no failure: the link is
 *   unknown and no `url` came along, it cannot be reached now, or it is no page with a title
 * @throws {DomainError} `params_invalid` when `linkMd5` is another link's; `link_refused`
 */
export async function previewLink(ctx: Ctx, input: PreviewLinkInput): Promise<LinkPreview> {
  const { linkMd5, read } = input;
  const url = input.url && withScheme(input.url);
  if (url && md5Hex(url) !== linkMd5) {
    throw new DomainError("params_invalid", { message: "链接与其校验值不符" });
  }
  let outcome: Outcome;
  try {
    outcome = await withDeadline(
      "link preview",
      PREVIEW_TIMEOUT_MS,
      () => findOutcome(ctx.redis, { linkMd5, url, read }),
    );
  } catch (error) {
    if (!(error instanceof DeadlineError)) throw error;
    outcome = { failure: "unreachable" };
  }
  if ("preview" in outcome) return outcome.preview;
  if (outcome.failure === "refused") throw new DomainError("link_refused");
  return UNKNOWN;
}

async function findOutcome(redis: Redis, input: PreviewLinkInput): Promise<Outcome> {
  const { linkMd5, url, read } = input;
  const known = await readKnown(redis, linkMd5).catch(withoutRedis);
  if (known) return known;
  if (!url) return { failure: "unreachable" };

  let links = underWay.get(redis);
  if (!links) underWay.set(redis, links = new Map());
  let outcome = links.get(linkMd5);
  if (!outcome) {
    outcome = fetchOnce(redis, linkMd5, () => read(url)).finally(() => links.delete(linkMd5));
    links.set(linkMd5, outcome);
  }
  return await outcome;
}

async function fetchOnce(
  redis: Redis,
  linkMd5: string,
  fetchPage: () => Promise<Outcome>,
): Promise<Outcome> {
  const lock = await redis.set(lockKey(linkMd5), "1", { nx: true, px: LOCK_LIFE_MS })
    .catch((error) => withoutRedis(error) ?? "OK");
  if (lock !== "OK") return await waitForKnown(redis, linkMd5);
  const outcome = await fetchPage();
  await withDeadline("redis", KEEP_TIMEOUT_MS, () => keep(redis, linkMd5, outcome)).catch(() => {});
  return outcome;
}

async function keep(redis: Redis, linkMd5: string, outcome: Outcome): Promise<void> {
  const key = linkCacheKey(linkMd5);
  if ("preview" in outcome) {
    const { preview } = outcome;
    await redis.set(key, JSON.stringify({ preview }), { px: PREVIEW_LIFE_MS });
  } else if (outcome.failure === "busy") {
    await redis.del(lockKey(linkMd5));
  } else {
    const { failure } = outcome;
    await redis.set(key, JSON.stringify({ failure }), { px: FAILURE_LIFE_MS });
  }
}

async function waitForKnown(redis: Redis, linkMd5: string): Promise<Outcome> {
  for (let poll = 0; poll < POLL_COUNT_MAX; poll++) {
    await new Promise((resolve) => setTimeout(resolve, POLL_INTERVAL_MS));
    const known = await readKnown(redis, linkMd5).catch(withoutRedis);
    if (known) return known;
  }
  return { failure: "unreachable" };
}

async function readKnown(redis: Redis, linkMd5: string): Promise<Outcome | undefined> {
  const text = await redis.get<string>(linkCacheKey(linkMd5));
  return text === null ? undefined : JSON.parse(text);
}

/** Redis only saves work here: without it every process does its own. */
function withoutRedis(error: unknown): undefined {
  if (!isRedisAway(error)) throw error;
}
