import { type Ctx, withTx } from "../../client/ctx.ts";
import { apps, type CustomerProof } from "../../schema/apps.ts";
import { DomainError } from "../errors.ts";
import type { OpsActor } from "../operators/actor.ts";
import { recordAction } from "../operators/record_action.ts";
import { refreshApp } from "./app_cache.ts";
import { checkAddress, makeSecret } from "./credentials.ts";
import { ADDRESS_COUNT_MAX, APP_NAME_LENGTH_MAX } from "./rules.ts";

export interface NewApp {
  name: string;
  isHouse: boolean;
  /** Addresses its server may call from; null: any. */
  addresses: string[] | null;
  customerProof: CustomerProof;
  /** Undefined: whoever has the database itself, from the command line. */
  actor: OpsActor | undefined;
}

/** What an app's server calls with; the secret is told this once. */
export interface AppCredentials {
  appId: number;
  secret: string;
}

/** @throws {DomainError} `params_invalid` for a blank or long name and what is no IP address */
export async function addApp(
  ctx: Ctx,
  { name, isHouse, addresses, customerProof, actor }: NewApp,
): Promise<AppCredentials> {
  const isNamed = name.length > 0 && [...name].length <= APP_NAME_LENGTH_MAX;
  if (!isNamed || (addresses?.length ?? 1) === 0) throw new DomainError("params_invalid");
  if ((addresses?.length ?? 0) > ADDRESS_COUNT_MAX) throw new DomainError("params_invalid");
  const given = { name, isHouse, addresses: addresses?.map(checkAddress) ?? null, customerProof };
  const { secret, kept } = makeSecret(ctx.config.keys);
  const appId = await withTx(ctx, async (tx) => {
    const [app] = await tx.db.insert(apps).values({ ...given, ...kept, createdAt: tx.now() })
      .returning({ id: apps.id });
    if (actor) {
      const target = `app:${app!.id}`;
      await recordAction(tx, { actor, action: "apps.add", target, before: null, after: given });
    }
    return app!.id;
  });
  // Somebody may have tried the number before, and it is remembered that there was none.
  await refreshApp(ctx, appId);
  return { appId, secret };
}
