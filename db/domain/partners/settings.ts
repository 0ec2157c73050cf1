import { sql } from "drizzle-orm";
import type { LongInteger } from "../../../config/runtime/long_integer.ts";
import type { Ctx } from "../../client/ctx.ts";
import { HOUSE_APP_ID } from "../../schema/columns.ts";
import { instant, int8, rows, text } from "../../sql.ts";
import { announceChange } from "../chat_accounts/commands.ts";
import { DomainError } from "../errors.ts";
import { namedPeople, unknownPerson } from "../users/ensure_people.ts";
import { tellRoomMute } from "./room_mutes.ts";

export interface PersonSettings {
  tenantId: number;
  appUid: LongInteger;
  /** Each absent: as it was. */
  name: string | undefined;
  /** Whether messages from somebody make no noise. */
  doNotDisturb: { peerAppUid: LongInteger; on: boolean } | undefined;
  /** Whether the phone is silent while a computer is online. */
  phoneMuted: boolean | undefined;
  /** Whether they may say nothing in the app's chat rooms. */
  roomMuted: boolean | undefined;
}

/**
 * Changes what a partner's server sets for one of its people: all that is given, in one statement.
 * People are made where they are new; the house's must exist.
 * @throws {DomainError} `params_invalid` when nothing is given, `user_missing`
 */
export async function changeSettings(ctx: Ctx, settings: PersonSettings): Promise<void> {
  const { tenantId, appUid, name, doNotDisturb, phoneMuted, roomMuted } = settings;
  if ([name, doNotDisturb, phoneMuted, roomMuted].every((given) => given === undefined)) {
    throw new DomainError("params_invalid");
  }
  const self = { appUid, name, phoneMuted };
  const peerAppUid = doNotDisturb?.peerAppUid ?? appUid;
  const people = peerAppUid === appUid ? [self] : [self, { appUid: peerAppUid }];
  const isOfHouse = tenantId === HOUSE_APP_ID;
  const changesHouse = isOfHouse && (name !== undefined || phoneMuted !== undefined);
  const at = ctx.now();
  const statement = sql`
    with ${namedPeople(at, { tenantId, people })}, both_there as (
      select person.id, person.uid, peer.id as peer_id from people as person, people as peer
      where person.app_uid = ${appUid} and peer.app_uid = ${peerAppUid}
    ), changed as (
      -- Others were changed where they were named.
      update users set updated_at = ${instant(at)},
        nickname = coalesce(${name ?? null}, nickname),
        phone_muted = coalesce(${phoneMuted ?? null}::boolean, phone_muted)
      where id = (select id from both_there) and ${changesHouse}::boolean
    ), muted as (
      insert into peer_settings (user_id, peer_id, mute)
      select id, peer_id, ${doNotDisturb?.on ?? false}::boolean from both_there
      where ${doNotDisturb !== undefined}::boolean
      on conflict (user_id, peer_id) do update set mute = excluded.mute
    ), silenced as (
      insert into room_mutes (user_id, created_at)
      select id, ${instant(at)} from both_there where ${roomMuted === true}::boolean
      on conflict (user_id) do nothing
    ), let_speak as (
      delete from room_mutes
      where user_id = (select id from both_there) and ${roomMuted === false}::boolean
    )
    select id as user_id, uid from both_there`;
  const [person] = await rows(ctx, statement, { userId: int8, uid: text });
  if (!person) throw unknownPerson(tenantId, [appUid, peerAppUid]);
  if (roomMuted !== undefined) tellRoomMute(ctx, person.userId);
  if (isOfHouse && name !== undefined) await announceChange(ctx, person);
}
