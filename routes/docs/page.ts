import { createHash } from "node:crypto";

// scalar.js.gz is dist/browser/standalone.js of the npm package @scalar/api-reference 1.72.1 (MIT
// licence), unchanged, packed with `gzip -9 -n`; the package itself would bring 287 MB of others.
// For a newer one: `npm pack`, unpack, gzip, and change SCALAR_VERSION, so that its address changes.
const SCALAR_VERSION = "1.72.1";
const packedScript = new URL("./scalar.js.gz", import.meta.url);

/**
 * For the answer that carries {@link docsPage}. Nothing leaves our origin, whatever an option of
 * Scalar turns on later; `style-src` needs `unsafe-inline` because Scalar writes style attributes.
 */
export const DOCS_CONTENT_SECURITY_POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'unsafe-inline'",
  "connect-src 'self'",
  "img-src 'self' data: blob:",
  "font-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join("; ");

/** Each of these would call a service of Scalar's, now or at a click. */
const NO_REMOTE_CALLS = {
  withDefaultFonts: false,
  proxyUrl: "",
  telemetry: false,
  agent: { disabled: true },
  mcp: { disabled: true },
  hideClientButton: true,
  showDeveloperTools: "never",
};

/**
 * The API reference as one HTML page: a document to choose per surface, read from
 * `/openapi/<name>.json`. The configuration travels in an attribute, where Scalar looks for it, so
 * the page has no inline script for the policy to allow (`Scalar()` of the Hono package writes one).
 */
export function docsPage(surfaces: { name: string; title: string }[]): string {
  const configuration = {
    ...NO_REMOTE_CALLS,
    sources: surfaces.map(({ name, title }) => ({
      slug: name,
      title,
      url: `/openapi/${name}.json`,
      agent: { disabled: true },
    })),
  };
  return `<!doctype html>
<html lang="en">
  <head>
    <meta charset="utf-8">
    <meta name="viewport" content="width=device-width, initial-scale=1">
    <title>Plaza API reference</title>
    <link rel="icon" href="data:,">
  </head>
  <body>
    <script id="api-reference" type="application/json" data-configuration="${
    attributeText(JSON.stringify(configuration))
  }"></script>
    <script src="/docs/scalar.js?v=${SCALAR_VERSION}"></script>
  </body>
</html>
`;
}

/** Scalar decodes `&quot;` once more after the browser did, so an `&` must be JSON's own escape. */
function attributeText(json: string): string {
  return json.replace(/[&<>]/g, (character) => `\\u00${character.charCodeAt(0).toString(16)}`)
    .replaceAll('"', "&quot;");
}

interface PackedScript {
  bytes: Uint8Array<ArrayBuffer>;
  etag: string;
}
let loaded: Promise<PackedScript> | undefined;

async function loadScript(): Promise<PackedScript> {
  const bytes = await Deno.readFile(packedScript);
  return { bytes, etag: createHash("sha256").update(bytes).digest("hex").slice(0, 32) };
}

/**
 * Answers `GET /docs/scalar.js`: packed (1.2 MB) for who accepts gzip, else unpacked (4.3 MB), 304
 * for who has it. Kept by browsers for a year, since its address carries the version.
 */
export async function scalarScript(request: Request): Promise<Response> {
  loaded ??= loadScript().catch((error) => {
    loaded = undefined;
    throw error;
  });
  const { bytes, etag } = await loaded;
  const packed = acceptsGzip(request.headers.get("accept-encoding"));
  const entityTag = `"${etag}${packed ? "-gzip" : ""}"`;
  const headers = new Headers({
    "cache-control": "public, max-age=31536000, immutable",
    "etag": entityTag,
    "vary": "accept-encoding",
  });
  if (matches(request.headers.get("if-none-match"), entityTag)) {
    return new Response(null, { status: 304, headers });
  }
  headers.set("content-type", "text/javascript; charset=UTF-8");
  headers.set("x-content-type-options", "nosniff");
  if (packed) {
    headers.set("content-encoding", "gzip");
    return new Response(bytes, { headers });
  }
  const unpacked = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"));
  return new Response(unpacked, { headers });
}

/** Absent means anything goes, but whoever names no encoding seldom unpacks one: it gets plain text. */
function acceptsGzip(accepted: string | null): boolean {
  return (accepted ?? "").toLowerCase().split(",").some((entry) => {
    const [coding, quality = "q=1"] = entry.split(";").map((part) => part.trim());
    return (coding === "gzip" || coding === "*") && Number(quality.replace(/^q=/, "")) > 0;
  });
}

/** Weak comparison, as RFC 9110 wants it for `If-None-Match`. */
function matches(ifNoneMatch: string | null, entityTag: string): boolean {
  return (ifNoneMatch ?? "").split(",").some((entry) => {
    const tag = entry.trim().replace(/^W\//, "");
    return tag === entityTag || tag === "*";
  });
}
