import { parseBoundedJson } from "../../../config/runtime/bounded_json.ts";
import { ContentType } from "../messages/rules.ts";

/** Of a text as many are shown, characters. */
export const TEXT_LENGTH_MAX = 100;
/** What the app's icon shows at most. */
export const BADGE_MAX = 1_000_000;

/** Said instead of the words to whoever wants none of them on a locked screen (`msg_show_detail`). */
const WITHOUT_DETAIL = "您有一条新的消息";
const OF_NO_KIND = "[消息]";

/** What stands for a payload that is no text, by its `type` (the im contract's clients). */
const KINDS: Record<number, string> = {
  2: "[图片]",
  3: "[图片]",
  4: "[语音]",
  5: "[视频]",
  6: "[位置]",
  7: "[名片]",
  8: "[文件]",
  9: "[红包]",
  10: "[转账]",
};

/** The app on the phone, whose sockets make a push superfluous; others are web and desktop. */
const APP_DEVICE_FLAG = 0;

/**
 * Whether somebody's phone is to be told, by the kinds of devices they are there with.
 *
 * @param yields whether the phone keeps quiet beside a computer (`mute_of_app`)
 */
export function isAway(flags: ReadonlySet<number> | undefined, yields: boolean): boolean {
  if (flags === undefined || flags.size === 0) return true;
  return !flags.has(APP_DEVICE_FLAG) && !yields;
}

interface Payload {
  type: number;
  content?: unknown;
  cmd?: unknown;
  extra?: unknown;
}

/** Whether a payload is for people to read; of commands a request for friendship alone is. */
export function isForPeople(payload: string): boolean {
  const { type, cmd } = parse(payload);
  return type !== ContentType.command || cmd === "friendRequest";
}

export interface SaidFacts {
  /** JSON text. */
  payload: string;
  /** As the receiver calls them; the system's own name where nobody speaks. */
  senderName: string;
  isBySystem: boolean;
  /** Absent: said to one person. */
  groupName: string | undefined;
  /** Whether the receiver lets pushes say what was said. */
  showsDetail: boolean;
}

/** What a locked screen shows of a message. */
export function pushTextOf(facts: SaidFacts): { title: string; content: string } {
  const { senderName, groupName, showsDetail, isBySystem } = facts;
  const title = groupName ?? senderName;
  if (!showsDetail) return { title, content: WITHOUT_DETAIL };
  const words = wordsOf(parse(facts.payload), senderName);
  const isFromSomebody = groupName !== undefined && !isBySystem;
  return { title, content: isFromSomebody ? `${senderName}：${words}` : words };
}

function wordsOf(payload: Payload, senderName: string): string {
  const { type, content } = payload;
  if (type === ContentType.command) return `${senderName}请求添加你为好友`;
  const isTold = type >= ContentType.friendApply && type <= ContentType.tip;
  if (type !== ContentType.text && !isTold) return KINDS[type] ?? OF_NO_KIND;
  if (typeof content !== "string") return OF_NO_KIND;
  const whole = isTold ? filledIn(content, payload.extra) : content;
  return [...whole.trim()].slice(0, TEXT_LENGTH_MAX).join("") || OF_NO_KIND;
}

/** `{0}` of what is told stands for the name of the first in `extra`. */
function filledIn(template: string, extra: unknown): string {
  const people: unknown[] = Array.isArray(extra) ? extra : [];
  return template.replaceAll(/\{(\d{1,3})\}/g, (place, at) => {
    const { name } = Object(people[Number(at)]) as { name?: unknown };
    return typeof name === "string" ? name : place;
  });
}

function parse(payload: string): Payload {
  return parseBoundedJson(payload) as Payload;
}
