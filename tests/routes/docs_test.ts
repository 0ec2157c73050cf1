import assert from "node:assert/strict";
import { DOCS_CONTENT_SECURITY_POLICY, docsPage, scalarScript } from "../../routes/docs/page.ts";

const SURFACES = [
  { name: "gateway", title: "Room app" },
  { name: "im", title: `Chat "app" & <co> &quot; </script>` },
];

function askScript(headers: Record<string, string> = {}): Promise<Response> {
  return scalarScript(new Request("http://plaza.test/docs/scalar.js?v=1", { headers }));
}

/** What a browser and then Scalar make of the attribute: both decode `&quot;`. */
function configurationOf(page: string) {
  const [, attribute] = /data-configuration="([^"]*)"/.exec(page)!;
  const decoded = attribute!.replaceAll("&quot;", '"').replaceAll("&amp;", "&");
  return JSON.parse(decoded.replaceAll("&quot;", '"'));
}

Deno.test("the page offers every surface's document, whatever its title contains", () => {
  const { sources } = configurationOf(docsPage(SURFACES));
  assert.deepEqual(
    sources.map(({ slug, title, url }: Record<string, string>) => ({ slug, title, url })),
    [
      { slug: "gateway", title: SURFACES[0]!.title, url: "/openapi/gateway.json" },
      { slug: "im", title: SURFACES[1]!.title, url: "/openapi/im.json" },
    ],
  );
});

Deno.test("the page refers to nothing outside its own origin", () => {
  const page = docsPage(SURFACES);
  const references = [...page.matchAll(/\s(?:src|href|action)="([^"]*)"/g)].map(([, to]) => to!);
  assert.ok(references.some((to) => to.startsWith("/docs/scalar.js?v=")));
  for (const to of references) assert.match(to, /^(\/(?!\/)|data:)/);
  assert.doesNotMatch(page, /https?:\/\//);
});

Deno.test("everything of Scalar's that calls its makers is switched off", () => {
  const configuration = configurationOf(docsPage(SURFACES));
  assert.equal(configuration.withDefaultFonts, false);
  assert.equal(configuration.telemetry, false);
  assert.equal(configuration.proxyUrl, "");
  assert.equal(configuration.hideClientButton, true);
  assert.equal(configuration.showDeveloperTools, "never");
  assert.deepEqual(configuration.mcp, { disabled: true });
  for (const source of configuration.sources) assert.deepEqual(source.agent, { disabled: true });
});

Deno.test("the policy allows no other origin, no eval, and the page needs no inline script", () => {
  const policy = new Map(
    DOCS_CONTENT_SECURITY_POLICY.split("; ").map((directive) => {
      const [name, ...sources] = directive.split(" ");
      return [name!, sources];
    }),
  );
  assert.deepEqual(policy.get("default-src"), ["'none'"]);
  assert.deepEqual(policy.get("script-src"), ["'self'"]);
  assert.deepEqual(policy.get("connect-src"), ["'self'"]);
  const allowed = new Set(["'self'", "'none'", "data:", "blob:", "'unsafe-inline'"]);
  for (const source of [...policy.values()].flat()) assert.ok(allowed.has(source), source);
  for (const [, attributes, code] of docsPage(SURFACES).matchAll(/<script([^>]*)>([^<]*)</g)) {
    assert.ok(/\ssrc=/.test(attributes!) || /type="application\/json"/.test(attributes!));
    assert.equal(code!.trim(), "");
  }
  assert.doesNotMatch(docsPage(SURFACES), /\son[a-z]+="/);
});

Deno.test("the script is served packed or plain, and is the version its address names", async () => {
  const packed = await askScript({ "accept-encoding": "br, gzip;q=0.8" });
  assert.equal(packed.headers.get("content-encoding"), "gzip");
  assert.match(packed.headers.get("content-type")!, /^text\/javascript/);
  assert.equal(packed.headers.get("vary"), "accept-encoding");
  const unpacked = packed.body!.pipeThrough(new DecompressionStream("gzip"));
  const script = await new Response(unpacked).text();

  const plain = await askScript();
  assert.equal(plain.headers.get("content-encoding"), null);
  assert.equal(await plain.text(), script);

  const [, version] = /scalar\.js\?v=([\d.]+)/.exec(docsPage(SURFACES))!;
  assert.ok(script.includes(`@scalar/api-reference@${version}`));
  assert.ok(script.includes("data-configuration"));
});

Deno.test("who refuses gzip gets the script plain", async () => {
  for (const accepted of ["identity", "gzip;q=0", "br", "gzip; q=0.0, identity"]) {
    const answer = await askScript({ "accept-encoding": accepted });
    assert.equal(answer.headers.get("content-encoding"), null, accepted);
    await answer.body!.cancel();
  }
});

Deno.test("a browser that has the script is told so, per encoding", async () => {
  const gzip = { "accept-encoding": "gzip" };
  const first = await askScript(gzip);
  await first.body!.cancel();
  const etag = first.headers.get("etag")!;
  assert.match(first.headers.get("cache-control")!, /max-age=31536000/);
  for (const known of [etag, `W/${etag}`, `"other", ${etag}`]) {
    const again = await askScript({ ...gzip, "if-none-match": known });
    assert.equal(again.status, 304);
    assert.equal(again.body, null);
    assert.equal(again.headers.get("etag"), etag);
  }
  for (const other of [{ ...gzip, "if-none-match": '"other"' }, { "if-none-match": etag }]) {
    const answer = await askScript(other as Record<string, string>);
    assert.equal(answer.status, 200);
    await answer.body!.cancel();
  }
});
