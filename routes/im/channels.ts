import { z } from "zod";
import { readUserDetail } from "../../db/domain/chat_accounts/reads.ts";
import { readGroup } from "../../db/domain/groups/reads.ts";
import { ChannelType } from "../../db/domain/messages/inbox_message.ts";
import { Flag } from "../fields.ts";
import { GroupResp, groupResp } from "./group_fields.ts";
import { ChannelTypeField } from "./message_fields.ts";
import { endpoint } from "./surface.ts";
import { userDetail, UserDetailResp } from "./user_fields.ts";

export const ChannelParams = z.object({
  channel_id: z.string(),
  channel_type: ChannelTypeField,
});

const ChannelResp = z.object({
  channel: z.object({ channel_id: z.string(), channel_type: z.number().int() }),
  name: z.string(),
  logo: z.string().describe("Of its picture, below where this was asked"),
  remark: z.string(),
  notice: z.string(),
  mute: Flag,
  stick: Flag.describe("1: on top"),
  save: Flag,
  show_nick: Flag,
  forbidden: Flag,
  invite: Flag,
  receipt: Flag,
  robot: Flag,
  category: z.string(),
  status: z.number().int(),
  follow: Flag,
  be_deleted: Flag,
  be_blacklist: Flag,
  online: Flag,
  last_offline: z.number().int(),
  device_flag: z.number().int(),
  username: z.string(),
  flame: Flag,
  flame_second: z.number().int(),
  extra: z.record(z.string(), z.union([z.string(), z.number()])),
});
type ChannelResp = z.input<typeof ChannelResp>;

/** What neither a person nor a group has. */
const NOTHING = {
  notice: "",
  save: 0,
  show_nick: 0,
  forbidden: 0,
  invite: 0,
  receipt: 0,
  robot: 0,
  category: "",
  follow: 0,
  be_deleted: 0,
  be_blacklist: 0,
  online: 0,
  last_offline: 0,
  device_flag: 0,
  username: "",
  flame: 0,
  flame_second: 0,
} as const;

function ofPerson(
  { uid, name, remark, mute, top, ...rest }: z.output<typeof UserDetailResp>,
): ChannelResp {
  return {
    ...NOTHING,
    channel: { channel_id: uid, channel_type: ChannelType.person },
    name,
    logo: `users/${uid}/avatar`,
    remark,
    mute,
    stick: top,
    receipt: rest.receipt,
    robot: rest.robot,
    category: rest.category,
    status: rest.status,
    follow: rest.follow,
    be_deleted: rest.be_deleted,
    be_blacklist: rest.be_blacklist,
    online: rest.online,
    last_offline: rest.last_offline,
    device_flag: rest.device_flag,
    username: rest.username,
    extra: {
      sex: rest.sex,
      short_no: rest.short_no,
      chat_pwd_on: rest.chat_pwd_on,
      screenshot: rest.screenshot,
      revoke_remind: rest.revoke_remind,
    },
  };
}

function ofGroup(group: z.output<typeof GroupResp>): ChannelResp {
  return {
    ...NOTHING,
    channel: { channel_id: group.group_no, channel_type: ChannelType.group },
    name: group.name,
    logo: `groups/${group.group_no}/avatar`,
    remark: group.remark,
    notice: group.notice,
    mute: group.mute,
    stick: group.top,
    save: group.save,
    show_nick: group.show_nick,
    receipt: group.receipt,
    forbidden: group.forbidden,
    invite: group.invite,
    status: group.status,
    extra: group,
  };
}

export const read = endpoint({
  method: "get",
  path: "/channels/{channel_id}/{channel_type}",
  summary: "查询频道信息",
  description: "Not in the contract. A person or a group as the caller sees them, in one shape.",
  params: ChannelParams,
  data: ChannelResp,
  errors: ["user_missing", "group_missing"],
  async handle({ params: { channel_id: no, channel_type: type }, actor: { userId }, ctx }) {
    return type === ChannelType.person
      ? ofPerson(userDetail(await readUserDetail(ctx, { uid: no, viewerId: userId })))
      : ofGroup(groupResp(await readGroup(ctx, { groupNo: no, userId })));
  },
});
