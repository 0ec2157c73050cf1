import type { TripsTable } from "./trips_test.ts";

/** The tables in `trips/`, one a chapter. */
export async function readTables(): Promise<TripsTable> {
  const tables: TripsTable = {};
  for (const { name } of Deno.readDirSync(new URL("./trips", import.meta.url))) {
    Object.assign(tables, (await import(`./trips/${name}`)).trips);
  }
  return tables;
}
