import assert from "node:assert/strict";
import { appLink, appPath } from "../../db/domain/app_links.ts";

Deno.test("what is kept opens an app by the scheme of now, old links as well", () => {
  const link = (kept: string) => appLink({ appScheme: "chaoqer" }, kept);
  assert.equal(link(appPath("profile", "ab12")), "chaoqer://profile/ab12");
  assert.equal(link("plaza://room/ab12"), "chaoqer://room/ab12");
  assert.equal(
    appLink({ appScheme: "com.example+x" }, appPath("event", "1")),
    "com.example+x://event/1",
  );
  assert.equal(link("https://example.com/plaza://x"), "https://example.com/plaza://x");
});
