import { ensurePeople } from "../../../db/domain/users/ensure_people.ts";
import { GobelieveClient, type HeardFrame } from "../../clients/gobelieve.ts";
import { askPartner, grantToken, makeApp, type TestPartner } from "../../clients/partner.ts";
import type { TestApp } from "../../harness.ts";
import type { ChatServer } from "../../servers/chat.ts";

/** A partner with people numbered 1, 2, … and their tokens by number. */
export async function makePeople(app: TestApp, count: number) {
  const partner = await makeApp(app.ctx);
  const tokens: Record<number, string> = {};
  const people = Array.from({ length: count }, (_, at) => ({ appUid: at + 1 }));
  for (const { appUid } of people) tokens[appUid] = await grantToken(app, partner, { uid: appUid });
  const found = await ensurePeople(app.ctx, { tenantId: partner.appId, people });
  const idOf = (appUid: number) => found[appUid - 1]!.userId;
  return { partner, tokens, idOf };
}

/** A client that is logged in and does what deployed ones do. */
export function follow(
  server: ChatServer,
  token: string,
  { key = 0, deviceId = "a device" }: { key?: number; deviceId?: string } = {},
): Promise<GobelieveClient> {
  return new GobelieveClient(server.url).follow({ token, deviceId }, key);
}

export const contentsOf = (frames: HeardFrame[]) => frames.map(({ content }) => content);

/** What a partner's server says. */
export const post = (app: TestApp, { basic }: TestPartner, path: string, body: unknown) =>
  askPartner(app, `POST ${path}`, { basic, body });
