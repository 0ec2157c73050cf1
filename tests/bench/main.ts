/** `deno task bench <name>`: runs one benchmark; each is loaded only when asked for. */
const benches: Record<string, () => Promise<() => Promise<void>>> = {
  broadcast: async () => (await import("./broadcast.ts")).broadcast,
  cold: async () => (await import("./cold.ts")).cold,
  csv: async () => (await import("./csv.ts")).csv,
  growth: async () => (await import("./growth.ts")).growth,
  hot: async () => (await import("./hot.ts")).hot,
  im: async () => (await import("./im.ts")).im,
  money: async () => (await import("./money.ts")).money,
  trips: async () => (await import("./trips.ts")).trips,
  writes: async () => (await import("./writes.ts")).writes,
  sockets: async () => (await import("./sockets.ts")).sockets,
};

const [name = ""] = Deno.args;
if (!Object.hasOwn(benches, name)) {
  console.error(`usage: deno task bench <${Object.keys(benches).join("|")}>`);
  Deno.exit(2);
}
await (await benches[name]!())();
// An embedded database kept for the next test would keep the process.
Deno.exit();
