import { parseBoundedJson } from "../../../config/runtime/bounded_json.ts";

/** Whom a message is meant for in particular. */
export interface Mention {
  /** Everybody in the group. */
  all: boolean;
  uids: string[];
}

/** Most people one message names; those it names beyond are not reminded. */
const NAMED_COUNT_MAX = 500;

/** Of everybody who may be meant, as many are reminded. */
export const REMINDED_COUNT_MAX = 5_000;

/**
 * `mention` of a payload, `{all: 1}` or `{uids: [uid, …]}` as the SDKs write it; undefined when it
 * names nobody. The payload is one that `checkPayload` has let through.
 */
export function mentionOf(payload: string): Mention | undefined {
  // Next to no message has one: most are not parsed again.
  if (!payload.includes('"mention"')) return undefined;
  const { mention } = parseBoundedJson(payload) as { mention?: unknown };
  if (typeof mention !== "object" || mention === null) return undefined;
  const { all, uids } = mention as { all?: unknown; uids?: unknown };
  const named = (Array.isArray(uids) ? uids : []).slice(0, NAMED_COUNT_MAX)
    .filter((uid): uid is string => typeof uid === "string" && /^[a-f0-9]{32}$/.test(uid));
  const isForAll = all === 1 || all === true;
  return isForAll || named.length > 0 ? { all: isForAll, uids: named } : undefined;
}
