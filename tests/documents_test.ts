import assert from "node:assert/strict";
import { dirname, join, relative } from "node:path";
import { variableNames } from "../config/config.ts";

const root = new URL("..", import.meta.url).pathname;
/** What somebody reads who has not decided yet whether to read on. */
const README_LINES_MAX = 220;
const CODE_FOLDERS = [
  "routes",
  "middleware",
  "db",
  "providers",
  "jobs",
  "config",
  "commands",
  "tests",
];

function* filesUnder(folder: string): Generator<string> {
  for (const entry of Deno.readDirSync(join(root, folder))) {
    const path = join(folder, entry.name);
    if (entry.isDirectory) yield* filesUnder(path);
    else yield path;
  }
}

const read = (path: string) => Deno.readTextFileSync(join(root, path));

function isThere(path: string): boolean {
  try {
    Deno.statSync(join(root, path));
    return true;
  } catch {
    return false;
  }
}

const documents = [
  ...[...Deno.readDirSync(root)].filter(({ isFile }) => isFile).map(({ name }) => name),
  ...filesUnder("docs"),
].filter((path) => path.endsWith(".md"));

const sources = [
  "main.ts",
  ...CODE_FOLDERS.filter(isThere).flatMap((folder) => [...filesUnder(folder)]),
].filter((path) => path.endsWith(".ts"));

/** A document without what stands in blocks of code. */
const proseOf = (path: string) => read(path).replaceAll(/^```[\s\S]*?^```/gm, "");

const headingsOf = (path: string) =>
  [...proseOf(path).matchAll(/^#{1,6} (.+)$/gm)].map(([, text]) => text!);

/** The names by which GitHub links to a document's headings. */
function anchorsOf(path: string): Set<string> {
  const anchors = new Set<string>();
  for (const text of headingsOf(path)) {
    const plain = text.replaceAll(/\[([^\]]*)\]\([^)]*\)/g, "$1").toLowerCase();
    const slug = plain.replaceAll(/[^\p{L}\p{N}\s_-]/gu, "").replaceAll(" ", "-");
    let anchor = slug;
    for (let count = 1; anchors.has(anchor); count++) anchor = `${slug}-${count}`;
    anchors.add(anchor);
  }
  return anchors;
}

/** Why a link from a file leads nowhere; undefined when it opens. */
function brokenBy(target: string, from: string): string | undefined {
  const [file, anchor] = target.split("#") as [string, string?];
  const path = file === "" ? from : relative(root, join(root, dirname(from), file));
  if (!isThere(path)) return `there is no ${path}`;
  if (anchor === undefined || !path.endsWith(".md")) return undefined;
  return anchorsOf(path).has(anchor) ? undefined : `${path} has no heading #${anchor}`;
}

Deno.test("every link between documents, and from them to a file, opens", () => {
  assert.ok(documents.length > 10);
  const wrong = documents.flatMap((document) =>
    [...proseOf(document).matchAll(/\]\(([^)\s]+)\)/g)].map(([, target]) => target!)
      .filter((target) => !/^[a-z]+:/.test(target))
      .map((target) => brokenBy(target, document))
      .filter((why) => why !== undefined).map((why) => `${document}: ${why}`)
  );
  assert.deepEqual(wrong, []);
});

Deno.test("every path of a file or folder a document names is there", () => {
  const path = new RegExp(`\`((?:${[...CODE_FOLDERS, "docs"].join("|")})/[\\w./-]+)\``, "g");
  const wrong = documents.flatMap((document) =>
    [...proseOf(document).matchAll(path)].map(([, named]) => named!)
      .filter((named) => !isThere(named)).map((named) => `${document} names ${named}`)
  );
  assert.deepEqual(wrong, []);
});

Deno.test("every document a source file cites is there, and so is its heading", () => {
  const wrong = sources.flatMap((source) =>
    [...read(source).matchAll(/(?<![\w/.:-])docs\/[\w/-]+\.md(?:#[\w-]+)?/g)]
      .map(([cited]) => brokenBy(cited, "."))
      .filter((why) => why !== undefined).map((why) => `${source}: ${why}`)
  );
  assert.deepEqual(wrong, []);
});

Deno.test("the README is short, and every document is reached from it", () => {
  assert.ok(read("README.md").trimEnd().split("\n").length <= README_LINES_MAX);
  const reached = new Set(["README.md"]);
  for (const document of reached) {
    for (const [, target] of proseOf(document).matchAll(/\]\(([^)\s#:]+\.md)(?:#[^)]*)?\)/g)) {
      reached.add(relative(root, join(root, dirname(document), target!)));
    }
  }
  assert.deepEqual(documents.filter((document) => !reached.has(document)), []);
});

Deno.test("the page on configuration and .env.example have every variable, and no other", () => {
  const names = (path: string, pattern: RegExp) =>
    [...read(path).matchAll(pattern)].map(([, name]) => name!).toSorted();
  const known = variableNames.toSorted();
  assert.deepEqual(names("docs/configuration.md", /^\| `([A-Z0-9_]+)`/gm), known);
  assert.deepEqual(names(".env.example", /^# ([A-Z0-9_]+)=/gm), known);
});

/** `gateway POST /club/{}/join`, as inventories and documents both say it. */
const nameOf = (surface: string, method: string, path: string) =>
  `${surface} ${method} ${path.replaceAll(/\{\w+\}/g, "{}")}`;

Deno.test("each surface's document has every operation of the inventories, and no other", () => {
  const known = ["tests/inventory.tsv", "tests/inventory_ours.tsv"].flatMap((file) =>
    read(file).split("\n").filter((line) => /^(gateway|im|partner|admin|ops)\t/.test(line))
      .map((line) => line.split("\t") as [string, string, string])
      .map(([surface, method, path]) => nameOf(surface, method, path))
  );
  const documented = ["gateway", "im", "partner", "admin", "ops"].flatMap((surface) =>
    headingsOf(`docs/contracts/${surface}.md`).filter((text) => /^[A-Z]+ \//.test(text))
      .map((text) => text.split(" ") as [string, string])
      .map(([method, path]) => nameOf(surface, method, path))
  );
  assert.deepEqual(documented.toSorted(), known.toSorted());
});
