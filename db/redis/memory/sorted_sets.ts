import type { CommandTable } from "./command.ts";
import type { Keyspace } from "./keyspace.ts";
import { formatScore, parseIndex, parseScore } from "./numbers.ts";
import { type Reply, ReplyError, syntaxError } from "./reply.ts";
import { type Scored, SortedSet } from "./sorted_set.ts";

export const sortedSetCommands: CommandTable = {
  zadd: { arity: -4, run: zadd },
  zrem: { arity: -3, run: zrem },
  zscore: { arity: 3, run: zscore },
  zcard: { arity: 2, run: (keys, [key]) => keys.sortedSet(key)?.size ?? 0 },
  zrange: { arity: -4, run: zrange },
  zremrangebyscore: { arity: 4, run: zremrangebyscore },
};

function zadd(keys: Keyspace, [key, ...words]: string[]): Reply {
  const options = new Set<string>();
  while (/^(nx|xx|ch)$/i.test(words[0] ?? "")) options.add(words.shift()!.toLowerCase());
  if (words.length === 0 || words.length % 2 !== 0) throw syntaxError();
  if (options.has("nx") && options.has("xx")) {
    throw new ReplyError("ERR XX and NX options at the same time are not compatible");
  }
  // All scores are read before the first is stored: one bad score leaves nothing half done.
  const pairs: Scored[] = [];
  for (let i = 0; i < words.length; i += 2) {
    pairs.push({ score: parseScore(words[i]), member: words[i + 1] });
  }
  const set = keys.sortedSet(key) ?? new SortedSet();
  let added = 0;
  let changed = 0;
  for (const { member, score } of pairs) {
    const current = set.score(member);
    if (options.has(current === undefined ? "xx" : "nx")) continue;
    if (current === undefined) added += 1;
    else if (current !== score) changed += 1;
    set.put(member, score);
  }
  if (added > 0 && keys.get(key) === undefined) keys.set(key, set);
  return options.has("ch") ? added + changed : added;
}

function zrem(keys: Keyspace, [key, ...members]: string[]): Reply {
  const set = keys.sortedSet(key);
  if (!set) return 0;
  const removed = members.filter((member) => set.remove(member)).length;
  keys.dropIfEmpty(key, set);
  return removed;
}

function zscore(keys: Keyspace, [key, member]: string[]): Reply {
  const score = keys.sortedSet(key)?.score(member);
  return score === undefined ? null : formatScore(score);
}

function zrange(keys: Keyspace, [key, start, stop, ...words]: string[]): Reply {
  const options = parseRangeOptions(words);
  // By score, the ends come in the order of the walk: from the highest down when reversed.
  const within = options.byScore
    ? scoreRange(options.reverse ? stop : start, options.reverse ? start : stop)
    : undefined;
  const [first, last] = options.byScore ? [0, -1] : [parseIndex(start), parseIndex(stop)];
  const ordered = keys.sortedSet(key)?.inOrder() ?? [];
  const walked = options.reverse ? ordered.toReversed() : ordered;
  const chosen = within
    ? limited(walked.filter(within), options.limit)
    : walked.slice(...sliceEnds(first, last, walked.length));
  return chosen.flatMap(({ member, score }) =>
    options.withScores ? [member, formatScore(score)] : [member]
  );
}

interface RangeOptions {
  byScore: boolean;
  reverse: boolean;
  withScores: boolean;
  limit?: { offset: number; count: number };
}

function parseRangeOptions(words: string[]): RangeOptions {
  const options: RangeOptions = { byScore: false, reverse: false, withScores: false };
  for (let i = 0; i < words.length; i++) {
    const word = words[i].toLowerCase();
    if (word === "byscore" && !options.byScore) options.byScore = true;
    else if (word === "rev" && !options.reverse) options.reverse = true;
    else if (word === "withscores") options.withScores = true;
    else if (word === "limit" && i + 2 < words.length) {
      options.limit = { offset: parseIndex(words[++i]), count: parseIndex(words[++i]) };
    } else throw syntaxError();
  }
  if (options.limit && !options.byScore) {
    throw new ReplyError(
      "ERR syntax error, LIMIT is only supported in combination with either BYSCORE or BYLEX",
    );
  }
  return options;
}

function limited(items: Scored[], limit: RangeOptions["limit"]): Scored[] {
  if (!limit) return items;
  if (limit.offset < 0) return [];
  const end = limit.count < 0 ? items.length : limit.offset + limit.count;
  return items.slice(limit.offset, end);
}

/** Redis counts both ends in and from the back when negative; `slice` wants neither. */
function sliceEnds(first: number, last: number, length: number): [number, number] {
  const from = first < 0 ? Math.max(0, length + first) : first;
  const to = last < 0 ? length + last : last;
  return [from, Math.max(from, to + 1)];
}

function zremrangebyscore(keys: Keyspace, [key, min, max]: string[]): Reply {
  const within = scoreRange(min, max);
  const set = keys.sortedSet(key);
  if (!set) return 0;
  const doomed = set.inOrder().filter(within);
  for (const { member } of doomed) set.remove(member);
  keys.dropIfEmpty(key, set);
  return doomed.length;
}

/** Both ends count in unless written with `(`. */
function scoreRange(min: string, max: string): (item: Scored) => boolean {
  const [low, high] = [scoreEnd(min), scoreEnd(max)];
  return ({ score }) =>
    (low.open ? score > low.score : score >= low.score) &&
    (high.open ? score < high.score : score <= high.score);
}

function scoreEnd(text: string): { open: boolean; score: number } {
  const open = text.startsWith("(");
  return { open, score: parseScore(open ? text.slice(1) : text, "ERR min or max is not a float") };
}
