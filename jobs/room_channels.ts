import { logTextOf } from "../config/runtime/log_text.ts";
import { withDeadline } from "../config/runtime/deadline.ts";
import { Turns } from "../config/runtime/turns.ts";
import type { Ctx } from "../db/client/ctx.ts";
import { type ChannelCount, claimSilentRooms, heedChannels } from "../db/domain/rooms/channels.ts";
import type { Rtc } from "../providers/rtc.ts";
import type { ChunkInput } from "./run.ts";

/** Rooms asked about in one go, and how many at a time. */
const ROOM_COUNT = 200;
const ASKED_AT_ONCE_MAX = 20;
/** Of all of them together, ms: whoever has not answered by then is asked two minutes later. */
const DEADLINE_MS = 4_000;

/**
 * Asks the audio service of rooms whose people have been silent: they may be talking all the while,
 * or be gone without a word. No answer changes nothing.
 */
export async function askRoomChannels(
  ctx: Ctx,
  { rtc, log = () => {} }: { rtc: Rtc; log?: ChunkInput["log"] },
): Promise<void> {
  const { countUsers } = rtc;
  if (!countUsers) return;
  const endsAt = performance.now() + DEADLINE_MS;
  const counts: ChannelCount[] = [];
  let failure: unknown;
  const turns = new Turns(ASKED_AT_ONCE_MAX);
  await Promise.all(
    (await claimSilentRooms(ctx, ROOM_COUNT)).map((roomId) =>
      turns.take(async () => {
        try {
          const leftMs = Math.max(0, endsAt - performance.now());
          const userCount = await withDeadline("Agora", leftMs, () => countUsers(roomId));
          counts.push({ roomId, userCount: userCount ?? null });
        } catch (error) {
          failure = error;
        }
      })
    ),
  );
  if (failure !== undefined) {
    log({ level: "notice", msg: "no answer who is in a room", error: logTextOf(failure) });
  }
  await heedChannels(ctx, counts);
}
