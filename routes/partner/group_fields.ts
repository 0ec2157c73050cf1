import { z } from "zod";
import {
  CLIENT_MEMBERS_COUNT_MAX,
  GROUP_NAME_LENGTH_MAX,
  SERVER_MEMBERS_COUNT_MAX,
} from "../../db/domain/groups/rules.ts";
import { isUpTo, maybeNameUpTo, nameUpTo, Text } from "../fields.ts";
import { Id, NamedPerson, peopleUpTo, Switch, Uid } from "./fields.ts";
import type { PartnerActor } from "./surface.ts";

export const GroupParams = z.object({ gid: Id.describe("群组id") });

/** Text a group keeps. */
export function groupText(lengthMax: number) {
  return Text.transform((text) => text.trim()).refine(
    ...isUpTo(lengthMax),
  );
}

export const GroupName = Text.pipe(nameUpTo(GROUP_NAME_LENGTH_MAX)).describe("群主题名");

const createBodyUpTo = (countMax: number) =>
  z.object({
    master: Uid.describe("管理员id"),
    name: GroupName,
    super: Switch.default(false).describe("超级群"),
    members: peopleUpTo(countMax),
  });

/** One person, several, or several and who invited them. */
const addBodyUpTo = (countMax: number) => {
  const members = peopleUpTo(countMax);
  return z.union([
    members.transform((listed) => ({ members: listed, inviter: undefined })),
    z.object({ members, inviter: NamedPerson.nullish().describe("邀请人") })
      .transform(({ members, inviter }) => ({ members, inviter: inviter ?? undefined })),
    NamedPerson.transform((member) => ({ members: [member], inviter: undefined })),
  ]);
};

/** People alone, or as where they are added. */
const removeBodyUpTo = (countMax: number) => {
  const members = peopleUpTo(countMax).min(1);
  return z.union([members, z.object({ members }).transform((named) => named.members)])
    .transform((listed) => listed.map(({ appUid }) => appUid));
};

export const CreateBody = createBodyUpTo(SERVER_MEMBERS_COUNT_MAX);
export const AddBody = addBodyUpTo(SERVER_MEMBERS_COUNT_MAX);
export const RemoveBody = removeBodyUpTo(SERVER_MEMBERS_COUNT_MAX);
export const ClientCreateBody = createBodyUpTo(CLIENT_MEMBERS_COUNT_MAX);
export const ClientAddBody = addBodyUpTo(CLIENT_MEMBERS_COUNT_MAX);
export const ClientRemoveBody = removeBodyUpTo(CLIENT_MEMBERS_COUNT_MAX);

const Settings = z.object({
  do_not_disturb: Switch.optional().describe("免打扰选项"),
  nickname: Text.pipe(maybeNameUpTo(GROUP_NAME_LENGTH_MAX)).optional().describe("群内昵称"),
  mute: Switch.optional().describe("群内禁言"),
});

const isOneAtATime = (body: z.output<typeof Settings>) =>
  body.do_not_disturb === undefined || body.nickname === undefined;
const ONE_AT_A_TIME = "免打扰和群内昵称一次只能设置一项";
const saysSomething = (body: object) => Object.values(body).some((value) => value !== undefined);
const NOTHING_SAID = "没有要设置的选项";

export const SettingsBody = Settings
  .refine(isOneAtATime, ONE_AT_A_TIME).refine(saysSomething, NOTHING_SAID);
export const ClientSettingsBody = Settings.omit({ mute: true })
  .refine(isOneAtATime, ONE_AT_A_TIME).refine(saysSomething, NOTHING_SAID);

export const GroupId = z.object({ group_id: z.number().int().describe("群组id") });

/** The caller, as changes of groups ask who does it. */
export function byOf(actor: PartnerActor) {
  if (actor.kind === "server") return { door: "server" } as const;
  return { door: "client", userId: actor.userId, appUid: actor.appUid } as const;
}

/** The group of the path, as they ask which it is. */
export function placeOf({ tenantId }: PartnerActor, { gid }: z.output<typeof GroupParams>) {
  return { tenantId, groupId: gid };
}
