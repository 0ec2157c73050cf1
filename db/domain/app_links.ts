import type { Config } from "../../config/config.ts";

/** Before the scheme could be chosen, links were kept with this one. */
const KEPT_SCHEME = /^plaza:\/\//;

/** What a link can open in an app. */
type Screen = "room" | "profile" | "event" | "chat";

/** Where a tap leads, as it is kept: `room/<id>`; the scheme is added when it is shown. */
export function appPath(screen: Screen, id: string): string {
  return `${screen}/${id}`;
}

/** The link that opens an app there: `chaoqer://room/<id>`. One that has a scheme stays. */
export function appLink({ appScheme }: Pick<Config, "appScheme">, kept: string): string {
  const path = kept.replace(KEPT_SCHEME, "");
  return path.includes("://") ? path : `${appScheme}://${path}`;
}
