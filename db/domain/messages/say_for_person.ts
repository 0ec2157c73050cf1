import { sql } from "drizzle-orm";
import type { LongInteger } from "../../../config/runtime/long_integer.ts";
import type { Ctx } from "../../client/ctx.ts";
import { HOUSE_APP_ID } from "../../schema/columns.ts";
import { builtFor } from "../../sql.ts";
import { DomainError } from "../errors.ts";
import {
  naming,
  type NamingShape,
  type NamingValues,
  peopleNamed,
  unknownPerson,
} from "../users/ensure_people.ts";
import { acceptedOf, acceptValuesOf, runAccept } from "./accept.ts";
import { acceptStatement, type AcceptValues } from "./accept_statement.ts";
import { type Naming, type SpeakingShape, VERDICTS } from "./channel.ts";
import { payloadOf } from "./content.ts";
import { checkPayload, roomFor } from "./rules.ts";
import { wake } from "./send.ts";

interface Saying {
  tenantId: number;
  /** The sender's number in the app. */
  senderUid: LongInteger;
  content: string;
  /** The partner's own number of the message; sent again into the channel it is the same message. */
  clientMsgNo?: string | undefined;
}

/**
 * Says something to one person in another's name. Both have it in their inboxes, the sender's other
 * devices included; nobody's blocks are asked (contract: POST /messages/peers).
 *
 * @throws {DomainError} `message_invalid`; `user_missing` as `ensurePeople`
 */
export async function sayToPersonFor(
  ctx: Ctx,
  { receiverUid, ...saying }: Saying & { receiverUid: LongInteger },
): Promise<void> {
  // Somebody may write to themselves: then they are named once.
  const named = [...new Set([saying.senderUid, receiverUid])];
  await say(ctx, saying, { named, naming: "person", called: receiverUid }).catch((error) => {
    throw isUnknownChannel(error) ? unknownPerson(saying.tenantId, named) : error;
  });
}

/**
 * Says something to a group in somebody's name, who need not be in it; mutes are not asked
 * (contract: POST /messages/groups).
 *
 * @throws {DomainError} `message_invalid`, `group_missing` also for another app's, `group_disbanded`;
 *   `user_missing` as `ensurePeople`
 */
export async function sayToGroupFor(
  ctx: Ctx,
  { groupId, ...saying }: Saying & { groupId: number },
): Promise<void> {
  const named = [saying.senderUid];
  await say(ctx, saying, { named, naming: "app_group_id", called: groupId }).catch((error) => {
    throw isUnknownChannel(error) ? new DomainError("group_missing") : error;
  });
}

function isUnknownChannel(error: unknown): boolean {
  return error instanceof DomainError && error.kind === "channel_missing";
}

interface SayValues extends AcceptValues, NamingValues {
  appId: number;
  senderUid: LongInteger;
}

/** Finds or makes whoever is named, and accepts the message, as one. */
const sayStatement = builtFor<SpeakingShape & NamingShape, SayValues>((shape, given) => {
  const before = sql`${peopleNamed(shape, given)}, speaker as materialized (
      select id from people where app_uid = ${given.senderUid}
    ),`;
  return acceptStatement(shape, given, { before });
});

/** Not as `sendMessage`: nobody waits for the number a large group's message gets with its sender. */
async function say(
  ctx: Ctx,
  { tenantId, senderUid, content, clientMsgNo }: Saying,
  place: { named: LongInteger[]; naming: Naming; called: LongInteger },
): Promise<void> {
  const payload = payloadOf(content);
  const contentType = checkPayload(payload, { bytesMax: roomFor(content, { tenantId }) });
  const at = ctx.now();
  const people = place.named.map((appUid) => ({ appUid }));
  const said = {
    clientMsgNo,
    senderId: undefined,
    payload,
    contentType,
    redDot: true,
    trusted: true,
  };
  const shape = {
    naming: place.naming,
    isForSome: false,
    isNamed: true,
    isHouse: tenantId === HOUSE_APP_ID,
  };
  const statement = sayStatement(shape, {
    ...acceptValuesOf(said, at),
    ...naming(at, { tenantId, people }),
    called: place.called,
    senderUid,
  });
  const rows = await runAccept(ctx, statement);
  const { verdict } = rows[0]!;
  if (verdict === "unknown") throw unknownPerson(tenantId, [senderUid]);
  if (verdict in VERDICTS) throw new DomainError(VERDICTS[verdict]!);
  wake(ctx, acceptedOf(rows, undefined));
}
