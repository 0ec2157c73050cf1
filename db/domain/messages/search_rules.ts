import { parseBoundedJson } from "../../../config/runtime/bounded_json.ts";
import { ContentType } from "./rules.ts";

/** Newest messages of a person that are looked through, and those of them that may fit. */
export const SEARCHED_COUNT_MAX = 10_000;
export const CANDIDATE_COUNT_MAX = 1_000;
/** Most hits a page has, and friends and groups that are found. */
export const PAGE_COUNT_MAX = 100;
export const CHANNEL_COUNT_MAX = 100;
export const KEYWORD_LENGTH_MAX = 100;

/** What is looked for. */
export interface Sought {
  /** Part of what was said, or of a file's name; in upper or lower case. Empty: anything. */
  keyword: string;
  /** Only these `type`s; empty: all that people say. */
  contentTypes: readonly number[];
}

/** Whether there is anything to look for: files are listed without a word, nothing else is. */
export function isSought({ keyword, contentTypes }: Sought): boolean {
  return keyword !== "" || contentTypes.length > 0 &&
      contentTypes.every((type) => type === ContentType.file);
}

/** The payload, if it is what is looked for. */
export function matchOf(
  payload: string,
  { keyword, contentTypes }: Sought,
): Record<string, unknown> | undefined {
  const said = parseBoundedJson(payload) as Record<string, unknown>;
  const type = Number(said.type);
  if (contentTypes.length > 0 && !contentTypes.includes(type)) return undefined;
  // What the system tells has places for names in it, and commands are for screens.
  const isSystems = type === ContentType.command ||
    type >= ContentType.friendApply && type <= ContentType.tip;
  if (isSystems) return undefined;
  const sought = keyword.toLowerCase();
  const isFound = [said.content, said.name].some((text) =>
    typeof text === "string" && text.toLowerCase().includes(sought)
  );
  return isFound || keyword === "" ? said : undefined;
}

/**
 * What stands in the JSON text of every payload that has the word in it, written plainly. Some
 * writers escape what need not be: those texts are looked through as well.
 */
export function writtenIn(keyword: string): string {
  return JSON.stringify(keyword).slice(1, -1);
}
