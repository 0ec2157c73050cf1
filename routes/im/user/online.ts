import { z } from "zod";
import { readOnlineOverview } from "../../../db/domain/chat_accounts/online_overview.ts";
import { Flag, flag, HexId } from "../../fields.ts";
import { endpoint } from "../surface.ts";

const seconds = (at: Date | undefined) => Math.floor((at?.getTime() ?? 0) / 1000);

export const overview = endpoint({
  method: "get",
  path: "/user/online",
  summary: "获取在线用户和自己的在线设备",
  description: "Not in the contract. Friends as GET /user/chat/online shows them, and whether a " +
    "computer of one's own is there.",
  data: z.object({
    friends: z.array(z.object({
      uid: HexId,
      online: Flag,
      device_flag: z.number().int(),
      last_offline: z.number().int(),
    })),
    pc: z.object({
      online: Flag,
      device_flag: z.number().int().describe("1 web, 2 desktop"),
      last_offline: z.number().int(),
      mute_of_app: Flag,
    }),
  }),
  async handle({ actor, ctx }) {
    const { friends, computer, muteOfApp } = await readOnlineOverview(ctx, actor);
    return {
      friends: friends.map(({ uid, presence }) => ({
        uid,
        online: flag(presence.online),
        device_flag: presence.deviceFlag,
        last_offline: seconds(presence.lastOfflineAt),
      })),
      pc: {
        online: flag(computer.deviceFlag !== undefined),
        device_flag: computer.deviceFlag ?? 1,
        last_offline: seconds(computer.lastOfflineAt),
        mute_of_app: flag(muteOfApp),
      },
    };
  },
});
