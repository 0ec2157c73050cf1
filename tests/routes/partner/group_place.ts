import { sql } from "drizzle-orm";
import { contentsOf } from "../../../db/domain/messages/content.ts";
import { readInbox } from "../../../db/domain/messages/read_inbox.ts";
import {
  askPartner,
  callPartner,
  makeApp,
  type PartnerCall,
  type TestPartner,
} from "../../clients/partner.ts";
import type { TestApp } from "../../harness.ts";

/** A partner's server, with a short way to call. */
export interface PartnerServer extends TestPartner {
  tenantId: number;
  call(operation: string, call?: PartnerCall): ReturnType<typeof callPartner>;
  // deno-lint-ignore no-explicit-any -- each test knows what it asked for
  ask(operation: string, call?: PartnerCall): Promise<any>;
}

export async function openServer(
  app: TestApp,
  { house = false }: { house?: boolean } = {},
): Promise<PartnerServer> {
  const partner = await makeApp(app.ctx, { house });
  const { basic } = partner;
  return {
    ...partner,
    tenantId: house ? 0 : partner.appId,
    call: (operation, call = {}) => callPartner(app, operation, { basic, ...call }),
    ask: (operation, call = {}) => askPartner(app, operation, { basic, ...call }),
  };
}

/** A group of these people, by their numbers, the first its master; its id. */
export async function openPartnerGroup(
  server: PartnerServer,
  uids: number[],
  over: Record<string, unknown> = {},
): Promise<number> {
  const members = uids.map((uid) => ({ uid, name: `Person ${uid}` }));
  const body = { master: uids[0], name: "Group", members, ...over };
  return (await server.ask("POST /groups", { body })).group_id;
}

/** Everything somebody received, oldest first, as their partner's client reads it. */
// deno-lint-ignore no-explicit-any -- each test knows what was sent
export async function heardBy(app: TestApp, tenantId: number, appUid: number): Promise<any[]> {
  return (await inboxOf(app, tenantId, appUid))
    .flatMap(({ payload }) => contentsOf(payload)).map((content) =>
      content.startsWith("{") ? JSON.parse(content) : content
    );
}

export async function inboxOf(app: TestApp, tenantId: number, appUid: number) {
  const userId = await userIdOf(app, tenantId, appUid);
  return await readInbox(app.ctx, { userId, afterSeq: 0, limit: 500 });
}

export async function userIdOf(app: TestApp, tenantId: number, appUid: number): Promise<number> {
  const { rows: [row] } = await app.ctx.db.execute<{ id: string }>(sql`
    select id from users where app_id = ${tenantId} and app_uid = ${appUid}`);
  return Number(row!.id);
}

/** Who is in a group and as what, by their numbers; and whether the counter says so too. */
export async function membersOf(app: TestApp, groupId: number): Promise<[number, number][]> {
  const { rows } = await app.ctx.db.execute<
    { app_uid: string; role: number; member_count: number }
  >(sql`
    select users.app_uid, group_members.role, groups.member_count
    from group_members join users on users.id = user_id join groups on groups.id = group_id
    where group_id = ${groupId} and removed_at is null order by app_uid`);
  for (const { member_count } of rows) {
    if (member_count !== rows.length) throw new Error(`counter ${member_count}, ${rows.length}`);
  }
  return rows.map(({ app_uid, role }) => [Number(app_uid), role]);
}

export async function groupRow(app: TestApp, groupId: number) {
  const { rows: [row] } = await app.ctx.db.execute<{
    name: string;
    notice: string;
    is_super: boolean;
    is_disbanded: boolean;
    member_count: number;
    owner_uid: string;
  }>(sql`
    select groups.name, notice, is_super, disbanded_at is not null as is_disbanded, member_count,
      app_uid as owner_uid
    from groups join users on users.id = owner_id where groups.id = ${groupId}`);
  return row!;
}
