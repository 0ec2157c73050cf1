/**
 * Says which Deno this needs, to an older one, before that stumbles over something it does not know.
 * Tasks run it in front of everything else, without lock file and packages, which an old one may not
 * be able to read; main.ts imports it first.
 */
const [major = 0, minor = 0] = Deno.version.deno.split(".").map(Number);
if (major < 2 || major === 2 && minor < 9) {
  console.error(
    `Plaza needs Deno 2.9 or newer; this is ${Deno.version.deno}: npx -y deno@2.9.6 task start`,
  );
  Deno.exit(1);
}
