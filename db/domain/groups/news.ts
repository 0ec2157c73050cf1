import { ChannelType } from "../../schema/messages.ts";
import { ContentType, PAYLOAD_BYTES_MAX } from "../messages/rules.ts";
import { literal, placeholders } from "../messages/template.ts";
import { NOTIFIED_COUNT_MAX, PLACEHOLDER_COUNT_MAX } from "../partner_groups/rules.ts";
import { type Announcement, payloadOfAnnouncement } from "./announce.ts";
import type { NotifiedPerson } from "./app_people.ts";
import type { Person } from "./people.ts";

/** Which group it is of, and when. */
export interface NewsOf {
  groupId: number;
  at: Date;
}

const stampOf = ({ groupId, at }: NewsOf) => ({
  group_id: groupId,
  timestamp: Math.floor(at.getTime() / 1000),
});

/** Members as bare numbers: of a new group deployed clients read nothing else. */
export function createdNews(
  of: NewsOf,
  { name, isSuper, master, members }: {
    name: string;
    isSuper: boolean;
    master: NotifiedPerson;
    members: NotifiedPerson[];
  },
): Announcement {
  return {
    type: ContentType.groupCreated,
    from: master,
    content: `${literal(master.name) || "群主"}创建了群聊`,
    extra: [],
    more: { creator: master.uid, creator_name: master.name, version: 1 },
    notification: {
      create: {
        ...stampOf(of),
        master: master.appUid,
        name,
        super: isSuper ? 1 : 0,
        members: members.slice(0, NOTIFIED_COUNT_MAX).map(({ appUid }) => appUid),
        member_count: members.length,
      },
    },
  };
}

export function disbandedNews(of: NewsOf): Announcement {
  return {
    type: ContentType.tip,
    content: "群聊已解散",
    extra: [],
    notification: { disband: stampOf(of) },
  };
}

export function editedNews(
  of: NewsOf,
  { actor, key, text }: { actor: Person | undefined; key: "name" | "notice"; text: string },
): Announcement {
  const what = key === "name" ? "群名" : "群公告";
  const done = text === "" ? `清空了${what}` : `修改${what}为“${literal(text)}”`;
  return {
    type: ContentType.groupUpdated,
    ...actor && { from: actor },
    content: actor ? `{0}${done}` : `管理员${done}`,
    extra: actor ? [actor] : [],
    more: { data: { [key]: text } },
    notification: { [`update_${key}`]: { ...stampOf(of), [key]: text } },
  };
}

export function addedNews(
  of: NewsOf,
  { inviter, people }: { inviter: NotifiedPerson | undefined; people: NotifiedPerson[] },
): Announcement {
  const by = inviter && { inviter: { uid: inviter.appUid, name: inviter.name } };
  return namingAsManyAsFit((countMax) => ({
    type: ContentType.membersAdded,
    ...inviter && { from: inviter },
    content: inviter
      ? `${literal(inviter.name)}邀请${placesOf(people)}加入群聊`
      : `${placesOf(people)}加入群聊`,
    extra: people.slice(0, PLACEHOLDER_COUNT_MAX),
    notification: { add_member: { ...stampOf(of), ...namesOf(people, countMax), ...by } },
  }));
}

/** Leaving and being removed are one operation to a partner's client. */
export function removedNews(
  of: NewsOf,
  { people, hasLeft }: { people: NotifiedPerson[]; hasLeft: boolean },
): Announcement {
  return namingAsManyAsFit((countMax) => ({
    type: hasLeft ? ContentType.memberLeft : ContentType.membersRemoved,
    ...hasLeft && people[0] && { from: people[0] },
    content: `${placesOf(people)}${hasLeft ? "退出群聊" : "被移出群聊"}`,
    extra: people.slice(0, PLACEHOLDER_COUNT_MAX),
    notification: { quit_group: { ...stampOf(of), ...namesOf(people, countMax) } },
  }));
}

/** Tells the chat app to read the group again. */
export function upgradedCommand(of: NewsOf, { groupNo }: { groupNo: string }): object {
  return {
    cmd: "channelUpdate",
    param: { channel_id: groupNo, channel_type: ChannelType.group },
    notification: JSON.stringify({ upgrade: { ...stampOf(of), super: 1 } }),
  };
}

/** Tells the chat app to read the members again. */
export function nicknamedCommand(
  of: NewsOf,
  { groupNo, person, nickname }: { groupNo: string; person: NotifiedPerson; nickname: string },
): object {
  const news = { ...stampOf(of), member_id: person.appUid, nickname };
  return {
    cmd: "memberUpdate",
    param: { group_no: groupNo, uid: person.uid },
    notification: JSON.stringify({ update_member_nickname: news }),
  };
}

/**
 * One person by themselves; several as a list and their number. Deployed clients break without a
 * `member_id`, so it is there in both.
 */
function namesOf(people: NotifiedPerson[], countMax: number): Record<string, unknown> {
  const [{ appUid, name, avatar }] = people as [NotifiedPerson];
  if (people.length === 1) {
    return { member_id: appUid, name, ...avatar !== undefined && { avatar } };
  }
  return {
    member_id: appUid,
    members: people.slice(0, countMax).map((person) => ({ uid: person.appUid, name: person.name })),
    member_count: people.length,
  };
}

function placesOf(people: NotifiedPerson[]): string {
  return people.length > PLACEHOLDER_COUNT_MAX
    ? `${placeholders(PLACEHOLDER_COUNT_MAX)}等${people.length}人`
    : placeholders(people.length);
}

/** What `write` makes of the most names a message has room for; long ones are long in it thrice. */
function namingAsManyAsFit(write: (countMax: number) => Announcement): Announcement {
  for (let countMax = NOTIFIED_COUNT_MAX; countMax > 1; countMax = Math.floor(countMax / 2)) {
    const said = write(countMax);
    const bytes = new TextEncoder().encode(payloadOfAnnouncement(said)).length;
    if (bytes <= PAYLOAD_BYTES_MAX) return said;
  }
  return write(1);
}
