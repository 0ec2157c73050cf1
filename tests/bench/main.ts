/** `deno task bench <name>`: runs one benchmark; each is loaded only when asked for. */
const benches: Record<string, () => Promise<() => Promise<void>>> = {
  cold: async () => (await import("./cold.ts")).cold,
};

const [name = ""] = Deno.args;
if (!Object.hasOwn(benches, name)) {
  console.error(`usage: deno task bench <${Object.keys(benches).join("|")}>`);
  Deno.exit(2);
}
await (await benches[name]!())();
