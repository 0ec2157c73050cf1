import type { SurfaceName } from "../../routes/surfaces.ts";
import type { TripsTable } from "./trips_test.ts";

/** The tables in `trips/` by surface: `gateway_club.ts` is the gateway's for its chapter club. */
export async function readTables(): Promise<Map<SurfaceName, TripsTable>> {
  const tables = new Map<SurfaceName, TripsTable>();
  for (const { name } of Deno.readDirSync(new URL("./trips", import.meta.url))) {
    const { trips } = await import(`./trips/${name}`);
    if (!trips) continue;
    const surface = name.split("_")[0] as SurfaceName;
    tables.set(surface, { ...tables.get(surface), ...trips });
  }
  return tables;
}
