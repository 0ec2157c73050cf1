import { MIGRATIONS_FOLDER } from "../../db/client/migrations.ts";
import { openDatabase } from "../../db/client/open.ts";
import { openRedis } from "../../db/redis/open.ts";
import { makeApp } from "../clients/partner.ts";
import { startTestApp } from "../harness.ts";
import { makeGroup } from "../people/factories.ts";
import { type ChatPerson, makeChatPerson } from "../servers/chat.ts";
import { SECRET_KEY, type ServerStores } from "../soak/server_process.ts";

export interface ChatCrowd {
  people: ChatPerson[];
  groupNo: string;
  /** `Authorization` of a partner that speaks for all of them, without the scheme. */
  partnerBasic: string;
}

/**
 * Migrates the database and puts people with sessions into it, a group of the first of them, and a
 * partner of the house.
 */
export async function makeChatCrowd(
  { databaseUrl, redisUrl }: ServerStores,
  { personCount, groupMemberCount }: { personCount: number; groupMemberCount: number },
): Promise<ChatCrowd> {
  const database = await openDatabase({ databaseUrl, dataDir: "unused" });
  const redis = await openRedis({ redis: { kind: "tcp", url: redisUrl } });
  try {
    await database.migrate(MIGRATIONS_FOLDER);
    await using app = await startTestApp({ database, redis, env: { SECRET_KEY } });
    const people: ChatPerson[] = [];
    for (let at = 0; at < personCount; at++) {
      people.push(await makeChatPerson(app.ctx, `Person ${at}`));
    }
    const { groupNo } = await makeGroup(app.ctx, people.slice(0, groupMemberCount));
    const { basic } = await makeApp(app.ctx, { house: true });
    return { people, groupNo, partnerBasic: basic };
  } finally {
    await redis.close();
    await database.close();
  }
}
