import { z } from "zod";
import { readLatestRelease } from "../../../db/domain/client_app/releases_reads.ts";
import { Flag, flag } from "../../fields.ts";
import { openEndpoint } from "../surface.ts";

/** `releases.client_type` by the client's own name of its platform; the others install nothing. */
const CLIENT_TYPES = new Map([["ios", 1], ["android", 2]]);

export const readVersion = openEndpoint({
  method: "get",
  path: "/common/appversion/{os}/{version}",
  summary: "获取最新版本",
  description: "Empty when `version` is the newest release for `os`, or there is none: the web " +
    "and desktops always run the newest.",
  params: z.object({
    os: z.string().describe("`ios`, `android`, or any other"),
    version: z.string().describe("The release's name, as `1.2.0`"),
  }),
  data: z.object({
    app_version: z.string().optional(),
    os: z.string().optional(),
    is_force: Flag.optional(),
    update_desc: z.string().optional(),
    download_url: z.string().optional(),
  }),
  async handle({ params: { os, version }, ctx }) {
    const clientType = CLIENT_TYPES.get(os.toLowerCase());
    const latest = clientType && await readLatestRelease(ctx, clientType);
    if (!latest || latest.versionName === version) return {};
    return {
      app_version: latest.versionName,
      os: os.toLowerCase(),
      is_force: flag(latest.forced),
      update_desc: latest.description,
      download_url: latest.downloadUrl,
    };
  },
});
