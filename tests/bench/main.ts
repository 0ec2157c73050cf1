/** `deno task bench <name>`: runs one benchmark; each is loaded only when asked for. */
const benches: Record<string, () => Promise<() => Promise<void>>> = {
  cold: async () => (await import("./cold.ts")).cold,
  im: async () => (await import("./im.ts")).im,
  sockets: async () => (await import("./sockets.ts")).sockets,
};

const [name = ""] = Deno.args;
if (!Object.hasOwn(benches, name)) {
  console.error(`usage: deno task bench <${Object.keys(benches).join("|")}>`);
  Deno.exit(2);
}
await (await benches[name]!())();
