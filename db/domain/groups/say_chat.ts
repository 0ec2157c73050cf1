import { ChannelType } from "../../schema/messages.ts";
import { ContentType } from "../messages/rules.ts";
import { literal, NAMED_COUNT_MAX, placeholders } from "../messages/template.ts";
import {
  type Fact,
  type FactOf,
  type FactOfKind,
  type Person,
  sayIn,
  type Sayings,
} from "./facts.ts";

/** A message of the chat app, before it goes out. */
export interface ChatSaid {
  /** With its integer `type`. */
  payload: Record<string, unknown>;
  /** Only these get it; absent: everybody in the group. */
  to?: { userId: number }[];
  /** They are in the group no more. */
  isFarewell?: boolean;
  /** Counts as unread. */
  redDot: boolean;
  /** False: nobody's list of conversations changes. */
  inConversations: boolean;
  /** For the device's screens, not for reading. */
  syncOnce: boolean;
}

interface Limits {
  /** Most people that are named; there may be more. */
  namedMax: number;
}

/**
 * A fact as the chat app reads it: one message, or one for who goes and another for who stays, each
 * of whom gets one of them. `{0}`, `{1}`… in `content` are the names of `extra`.
 */
export function sayChat(fact: Fact, of: FactOf, limits: Limits): ChatSaid[] {
  return sayIn(SAYINGS, fact, { of, limits });
}

const SAYINGS: Sayings<ChatSaid, Limits> = {
  created: (fact, _, limits) => [created(fact, limits)],
  renamed: ({ by, name }) => [
    updated(by, "name", { value: name, done: `修改群名为“${literal(name)}”` }),
  ],
  noticed: ({ by, notice }) => {
    const done = notice === "" ? "清空了群公告" : `修改群公告为“${literal(notice)}”`;
    return [updated(by, "notice", { value: notice, done })];
  },
  all_muted: ({ by, on }) => [
    updated(by, "forbidden", { value: flag(on), done: `${on ? "开启" : "关闭"}了全员禁言` }),
  ],
  invite_switched: ({ by, on }) => {
    const done = on
      ? "已启用“群聊邀请确认”，群成员需群主或群管理员确认才能邀请朋友进群"
      : "已恢复默认进群方式";
    return [updated(by, "invite", { value: flag(on), done })];
  },
  members_added: ({ inviter, people }, _, limits) => [
    message(ContentType.membersAdded, {
      by: inviter,
      content: `${nameOf(inviter)}邀请${places(people, limits)}加入群聊`,
      extra: named(people, limits),
    }),
  ],
  joined_by_scan: ({ person, inviter }) => [
    message(ContentType.joinedByScan, {
      by: person,
      content: "{0}通过{1}的二维码加入群聊",
      extra: [person, inviter],
    }),
  ],
  members_removed: (fact, _, limits) => removed(fact, limits),
  left,
  owner_changed: ({ by, owner }) => [
    message(ContentType.ownerChanged, { by, content: "{0}已成为新群主", extra: [owner] }),
  ],
  let_in_asked: ({ by, inviteNo, count, deciders }) => {
    const asked = message(ContentType.inviteRequested, {
      by,
      content: `{0}想邀请${count}位朋友加入群聊`,
      extra: [by],
      more: { invite_no: inviteNo, ...visibles(deciders) },
    });
    return [{ ...asked, to: deciders }];
  },
  disbanded: ({ by }) => [
    message(ContentType.tip, {
      by,
      content: by ? "{0}解散了群聊" : "群聊已解散",
      extra: by ? [by] : [],
    }),
  ],
  nicknamed: ({ person }, of) => [memberUpdate(of, person)],
  member_muted: ({ person }, of) => [memberUpdate(of, person)],
  managers_changed: (_, of) => [memberUpdate(of)],
  blacklist_changed: (_, of) => [memberUpdate(of)],
  own_switched: ({ userId }, of) => [{ ...channelUpdate(of), to: [{ userId }] }],
  upgraded: (_, of) => [channelUpdate(of)],
};

const flag = (on: boolean) => on ? "1" : "0";

function created(
  { owner, members }: FactOfKind<"created">,
  limits: Limits,
): ChatSaid {
  const others = members.filter(({ userId }) => userId !== owner.userId);
  const name = literal(owner.name) || "群主";
  return message(ContentType.groupCreated, {
    by: owner,
    content: others.length === 0
      ? `${name}创建了群聊`
      : `${name}邀请${places(others, limits)}加入群聊`,
    extra: named(others, limits),
    more: { creator: owner.uid, creator_name: owner.name, version: 1 },
  });
}

function removed(
  { by, people, isEmpty }: FactOfKind<"members_removed">,
  limits: Limits,
): ChatSaid[] {
  const isAllNamed = people.length <= limits.namedMax;
  const farewell = message(ContentType.youWereRemoved, {
    by,
    content: by ? "你被{0}移出群聊" : "你被移出群聊",
    extra: by ? [by] : [],
    more: isAllNamed ? visibles(people) : {},
  });
  const news = message(ContentType.membersRemoved, {
    by,
    content: `${nameOf(by)}将${places(people, limits)}移出群聊`,
    extra: named(people, limits),
  });
  return [goodbye(people, farewell), ...isEmpty ? [] : [news]];
}

function left({ person, isEmpty }: FactOfKind<"left">): ChatSaid[] {
  const said = (more: Record<string, unknown>) =>
    message(ContentType.memberLeft, { by: person, content: "{0}退出群聊", extra: [person], more });
  return [goodbye([person], said(visibles([person]))), ...isEmpty ? [] : [said({})]];
}

/** One `data` a message: clients look at the one key it has. */
function updated(
  by: Person | undefined,
  key: string,
  { value, done }: { value: string; done: string },
): ChatSaid {
  return message(ContentType.groupUpdated, {
    by,
    content: `${by ? "{0}" : NOBODY}${done}`,
    extra: by ? [by] : [],
    more: { data: { [key]: value } },
  });
}

/** Who did it when nobody of the group has. */
const NOBODY = "管理员";

const nameOf = (by: Person | undefined) => by ? literal(by.name) : NOBODY;

const visibles = (people: Person[]) => ({ visibles: people.map(({ uid }) => uid) });

function message(
  type: number,
  { by, content, extra, more }: {
    by: Person | undefined;
    content: string;
    extra: Person[];
    more?: Record<string, unknown>;
  },
): ChatSaid {
  return {
    payload: {
      type,
      from_uid: by?.uid ?? "",
      from_name: by?.name ?? "",
      content,
      extra: extra.map(({ uid, name }) => ({ uid, name })),
      ...more,
    },
    redDot: true,
    inConversations: true,
    syncOnce: false,
  };
}

/** The last that people hear of a group makes no red dot and moves no conversation. */
function goodbye(people: Person[], said: ChatSaid): ChatSaid {
  return { ...said, to: people, isFarewell: true, redDot: false, inConversations: false };
}

function named(people: Person[], { namedMax }: Limits): Person[] {
  return people.slice(0, Math.min(namedMax, NAMED_COUNT_MAX));
}

function places(people: Person[], limits: Limits): string {
  const shown = named(people, limits).length;
  return `${placeholders(shown)}${people.length > shown ? `等${people.length}人` : ""}`;
}

/** Tells apps to read the group again. */
function channelUpdate({ groupNo }: FactOf): ChatSaid {
  const param = { channel_id: groupNo, channel_type: ChannelType.group };
  return command("channelUpdate", param);
}

/** Tells apps to read the members again, or one of them. */
function memberUpdate({ groupNo }: FactOf, person?: Person): ChatSaid {
  return command("memberUpdate", { group_no: groupNo, ...person && { uid: person.uid } });
}

function command(cmd: string, param: Record<string, unknown>): ChatSaid {
  return {
    payload: { type: ContentType.command, cmd, param },
    redDot: false,
    inConversations: true,
    syncOnce: true,
  };
}
