import { z } from "zod";
import type { ClientApp } from "../../db/domain/sessions/open_session.ts";

const CLIENT_HEADERS = z.object({
  clientType: z.coerce.number().int().min(0).max(2).optional().catch(undefined),
  versionName: z.string().max(50).optional().catch(undefined),
  versionCode: z.coerce.number().int().min(0).max(2 ** 31 - 1).optional().catch(undefined),
});

/** What the client says of itself; headers that make no sense are as good as absent. */
export function clientOf(headers: Headers, address: string): ClientApp {
  const { clientType, versionName, versionCode } = CLIENT_HEADERS.parse({
    clientType: headers.get("client-type") ?? undefined,
    versionName: headers.get("version-name") ?? undefined,
    versionCode: headers.get("version-code") ?? undefined,
  });
  return { clientType, versionName, versionCode, address };
}
