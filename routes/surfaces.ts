import { lazy } from "../config/runtime/lazy.ts";
import type { MountedSurface } from "./kit.ts";

export type SurfaceName = "gateway" | "im" | "partner" | "admin" | "ops";

interface SurfaceEntry {
  name: SurfaceName;
  /** What its paths begin with. */
  prefixes: string[];
  load: () => Promise<{ surface: MountedSurface }>;
}

/**
 * Five surfaces on one root. A surface is loaded at the first request that may be its own, so a
 * cold start pays for one. Where prefixes are shared, the order here is the order of asking.
 */
const entries: SurfaceEntry[] = [
  {
    name: "gateway",
    prefixes: ["account", "user", "club", "room", "event", "aliyun", "push", "app", "h5"],
    load: lazy(() => import("./gateway/mod.ts")),
  },
  {
    name: "im",
    prefixes: [
      "user",
      "users",
      "friend",
      "message",
      "group",
      "groups",
      "conversation",
      "conversations",
      "conversation",
      "coversation",
      "channels",
      "file",
      "friends",
      "qrcode",
      "favorite",
      "favorites",
      "label",
      "wallet",
      "redpackets",
      "redpacket",
      "transfers",
      "common",
      "sticker",
      "organization",
      "conversation",
      "search",
      "messages",
    ],
    load: lazy(() => import("./im/mod.ts")),
  },
  {
    name: "partner",
    prefixes: ["auth", "users", "groups", "messages", "supporters", "client", "stores"],
    load: lazy(() => import("./partner/mod.ts")),
  },
  { name: "admin", prefixes: ["v1/admin"], load: lazy(() => import("./admin/mod.ts")) },
  { name: "ops", prefixes: ["v1"], load: lazy(() => import("./ops/mod.ts")) },
];

export const surfaceNames = entries.map(({ name }) => name);

const loaded = new Map<SurfaceName, MountedSurface>();

export async function loadSurface(name: SurfaceName): Promise<MountedSurface> {
  const known = loaded.get(name);
  if (known) return known;
  const { surface } = await entries.find((entry) => entry.name === name)!.load();
  loaded.set(name, surface);
  return surface;
}

/** Entries by the first segment of what their paths begin with. */
const bySegment = Map.groupBy(
  entries.flatMap((entry) => entry.prefixes.map((prefix) => ({ prefix, name: entry.name }))),
  ({ prefix }) => prefix.split("/")[0]!,
);

/** Below it the chat app's surface is once more, alone: its web client asks there. */
const IM_BASE = "/api/v1";

/** What stands before the chat app's paths in this one: `/api/v1`, or nothing. */
export function imBaseOf(path: string): string {
  return isUnder(path, IM_BASE.slice(1)) ? IM_BASE : "";
}

/** Where a request may belong. */
export interface Places {
  /** Best first; never empty, since somebody has to say 404. */
  names: SurfaceName[];
  /** The path as their endpoints have it. */
  path: string;
}

export function placesFor(path: string, headers: Headers): Places {
  const base = imBaseOf(path);
  return base === ""
    ? { names: candidatesFor(path, headers), path }
    : { names: ["im"], path: path.slice(base.length) || "/" };
}

/** Whose words a request is answered in that no surface has a place for. */
export function refuserOf({ names: [best] }: Places, headers: Headers): SurfaceName {
  return isFromChatApp(headers) ? "im" : best!;
}

/** A token opens the chat app's surface alone. */
function isFromChatApp(headers: Headers): boolean {
  return headers.has("token") && !headers.has("authorization");
}

function candidatesFor(path: string, headers: Headers): SurfaceName[] {
  const fitting = (bySegment.get(path.split("/", 2)[1]!) ?? [])
    .filter(({ prefix }) => isUnder(path, prefix))
    .map(({ name }) => name);
  if (fitting.length === 0) return ["gateway"];
  return fitting.includes("im") && fitting.includes("partner")
    ? imOrPartner(path, headers)
    : fitting;
}

function isUnder(path: string, prefix: string): boolean {
  return path === `/${prefix}` || path.startsWith(`/${prefix}/`);
}

/**
 * Chat app and partners share `/groups`, `/users` and `/messages`, and two operations twice. The
 * credentials decide; with both or neither kind, the shape of the id does: 32 hex digits are im's,
 * and `/messages` are the partners'. A token
 * alone opens nothing of the partners', so to the chat app their paths are not there.
 */
function imOrPartner(path: string, headers: Headers): SurfaceName[] {
  const forIm = headers.has("token");
  const forPartner = headers.has("authorization");
  const im = forIm === forPartner ? !/^\/(messages|\w+\/\d{1,19})(\/|$)/.test(path) : forIm;
  if (isFromChatApp(headers)) return ["im"];
  return im ? ["im", "partner"] : ["partner", "im"];
}
