import assert from "node:assert/strict";
import { dirname, join, relative } from "node:path";
import type { Endpoint } from "../routes/endpoint.ts";
import type { MountedSurface } from "../routes/kit.ts";
import { loadSurface, type SurfaceName, surfaceNames } from "../routes/surfaces.ts";

const root = new URL("..", import.meta.url).pathname;
const CODE_FOLDERS = ["routes", "middleware", "db", "providers", "jobs", "commands", "config"];

function* filesUnder(folder: string): Generator<string> {
  for (const entry of Deno.readDirSync(join(root, folder))) {
    const path = `${folder}/${entry.name}`;
    if (entry.isDirectory) yield* filesUnder(path);
    else yield path;
  }
}

const read = (path: string) => Deno.readTextFileSync(join(root, path));
const sources = [
  "main.ts",
  "build.ts",
  ...CODE_FOLDERS.flatMap((folder) => [...filesUnder(folder)]),
]
  .filter((path) => path.endsWith(".ts"));

/** What a file imports: paths from the project's root, or package names. */
function importsOf(path: string): string[] {
  const specifiers = [...read(path).matchAll(/(?:from|import\()\s*"([^"]+)"/g)].map(([, it]) =>
    it!
  );
  return specifiers.map((specifier) =>
    specifier.startsWith(".") ? relative(root, join(root, dirname(path), specifier)) : specifier
  );
}

/** Files of the domain that only reckon: no clock, no SQL, nothing to wait for. */
const PURE = String
  .raw`db/domain/(china_time|\w+/(\w*rules|template|content)|groups/(facts|say_\w+))\.ts`;

/** Who may import whom; the first rule whose `of` fits a file is its rule. */
const RULES: { of: RegExp; may: RegExp }[] = [
  {
    of: /^main\.ts$/,
    may: /^(config|routes\/(app|deps|realtime\/ws|announce|listen)\.ts|jobs|commands|db|providers)/,
  },
  // It writes imports of zod, and has none.
  { of: /^build\.ts$/, may: /^(esbuild$|zod$|node:|deno\.json$)/ },
  {
    of: new RegExp(`^${PURE}$`),
    may: new RegExp(
      `^(${PURE}|db/domain/errors\\.ts|db/schema/\\w+\\.ts|config/runtime/(bounded_json|long_integer)\\.ts)$`,
    ),
  },
  {
    of: /^db\/domain\//,
    may: /^(db\/|config\/|drizzle-orm|node:|jose$|libphonenumber-js)/,
  },
  { of: /^db\/schema\//, may: /^(db\/schema\/|config\/runtime\/long_integer\.ts$|drizzle-orm)/ },
  {
    of: /^db\//,
    may: /^(db\/(?!domain|schema)|config\/|drizzle-orm|node:|pg$|@upstash|@neon|@electric)/,
  },
  { of: /^config\//, may: /^(config\/|node:|zod$|ipaddr\.js$)/ },
  { of: /^middleware\//, may: /^(middleware\/|config\/|db\/(client|redis|domain)\/|hono)/ },
  {
    of: /^providers\//,
    may: /^(providers\/|config\/|node:|agora-token$|htmlparser2$|ipaddr\.js$|jose$|@mixin\.dev)/,
  },
  { of: /^jobs\//, may: /^(jobs\/|config\/|db\/(client|domain)\/|providers\/)/ },
  { of: /^commands\//, may: /^(commands\/|jobs\/|config\/|db\/(client|domain)\/|node:)/ },
  {
    of: /^routes\//,
    may:
      /^(routes\/|middleware\/|config\/|db\/(client|bus|redis|domain)\/|db\/schema\/users\.ts$|providers\/|deno\.json$|hono|zod$|uqr$|@hono|@fastify\/busboy$|csv-parse\/|node:)/,
  },
];

Deno.test("nothing imports upward, or across the middle line", () => {
  const wrong = sources.flatMap((path) => {
    const rule = RULES.find(({ of }) => of.test(path))!;
    return importsOf(path).filter((target) => !rule.may.test(target)).map((target) =>
      `${path} imports ${target}`
    );
  });
  assert.deepEqual(wrong, []);
});

/** What imports what, types included; a dynamic `import()` is laziness by design and left out. */
const statically = new Map(
  sources.map((path) => [
    path,
    [...read(path).matchAll(/from\s+"(\.[^"]+)"/g)]
      .map(([, specifier]) => relative(root, join(root, dirname(path), specifier!))),
  ]),
);

/** The first way found from a node back to itself; undefined: there is none. */
function findCircle(graph: Map<string, Iterable<string>>): string[] | undefined {
  const done = new Set<string>();
  const walk = (node: string, way: string[]): string[] | undefined => {
    if (way.includes(node)) return [...way.slice(way.indexOf(node)), node];
    if (done.has(node)) return undefined;
    for (const next of graph.get(node) ?? []) {
      const circle = walk(next, [...way, node]);
      if (circle) return circle;
    }
    done.add(node);
  };
  for (const node of graph.keys()) {
    const circle = walk(node, []);
    if (circle) return circle;
  }
}

Deno.test("no file imports itself by way of others, types included", () => {
  assert.equal(findCircle(statically)?.join(" → "), undefined);
});

Deno.test("no two rooms of the domain need each other", () => {
  const roomOf = (path: string) => /^db\/domain\/(\w+)\//.exec(path)?.[1];
  const rooms = new Map<string, Set<string>>();
  for (const [path, targets] of statically) {
    const own = roomOf(path);
    if (!own) continue;
    const needed = rooms.get(own) ?? new Set();
    for (const room of targets.map(roomOf)) if (room && room !== own) needed.add(room);
    rooms.set(own, needed);
  }
  assert.equal(findCircle(rooms)?.join(" → "), undefined);
});

Deno.test("db/ holds a database and the rules of its data, nothing else", () => {
  const entries = [...Deno.readDirSync(join(root, "db"))].map(({ name }) => name).sort();
  assert.deepEqual(entries, [
    "bus",
    "client",
    "domain",
    "migrations",
    "redis",
    "schema",
    "sql.ts",
  ]);
});

Deno.test("what is imported inside a function is declared lazy, or there before anything is served", () => {
  const AT_START = /^(main\.ts$|db\/client\/|db\/redis\/open\.ts$|routes\/announce\.ts$)/;
  const late = sources.filter((path) => /\bimport\(/.test(read(path)) && !AT_START.test(path));
  assert.ok(late.length > 5);
  for (const path of late) {
    const text = read(path);
    assert.match(text, /\blazy\(/, path);
    assert.doesNotMatch(text, /\bawait import\(/, path);
  }
});

Deno.test("no literal is spread into a literal", () => {
  const wrong = sources.filter((path) => /\.\.\.\s*[{[](?!\.\.\.)/.test(read(path)));
  assert.deepEqual(wrong, []);
});

Deno.test("no surface imports another", () => {
  const surfaceOf = (path: string) => /^routes\/(gateway|im|partner|admin|ops)\//.exec(path)?.[1];
  const wrong = sources.flatMap((path) => {
    const own = surfaceOf(path);
    if (!own) return [];
    return importsOf(path).filter((target) => (surfaceOf(target) ?? own) !== own)
      .map((target) => `${path} imports ${target}`);
  });
  assert.deepEqual(wrong, []);
});

Deno.test("the environment is read in main.ts alone", () => {
  const wrong = sources.filter((path) =>
    path !== "main.ts" && /Deno\.env|process\.env/.test(read(path))
  );
  assert.deepEqual(wrong, []);
});

Deno.test("transactions are opened through withTx", () => {
  const wrong = sources.filter((path) =>
    !path.startsWith("db/client") && /\.transaction\(|\.transact\(/.test(read(path))
  );
  assert.deepEqual(wrong, []);
});

Deno.test("comments are 5 to 12 % of the lines that are not blank", () => {
  let [lineCount, commentCount, isInside] = [0, 0, false];
  for (const path of sources) {
    for (const line of read(path).split("\n").map((line) => line.trim())) {
      if (line === "") continue;
      lineCount++;
      const isOpened = isInside || line.startsWith("/*");
      if (isOpened || line.startsWith("//")) commentCount++;
      isInside = isOpened && !line.includes("*/");
    }
  }
  const share = commentCount / lineCount;
  assert.ok(share >= 0.05 && share <= 0.12, `${(share * 100).toFixed(1)} %`);
});

/** Words that mean one thing, and where that thing is at home. */
const AT_HOME: Record<string, { word: RegExp; rooms: RegExp }> = {
  "a socket is kicked, nothing else": {
    word: /\bkick|\w(?<![A-Z])Kick/,
    rooms: /^(db\/bus|routes\/realtime)\//,
  },
  "a desk is where customers are helped": {
    word: /\bdesks?\b|\wDesk\b/,
    rooms: /^(db\/(domain\/(support|messages)|schema)\/|routes\/partner\/)/,
  },
  "a moment is a message that is not kept": {
    word: /\bmoment\w*\(|\bMoment\b/,
    rooms: /^(db\/bus|db\/domain\/(messages|chat_accounts)|routes\/realtime)\//,
  },
};

Deno.test("one word means one thing", () => {
  const code = (path: string) => read(path).replaceAll(/\/\*[\s\S]*?\*\/|\/\/.*|"[^"]*"/g, "");
  const wrong = Object.entries(AT_HOME).flatMap(([meaning, { word, rooms }]) =>
    sources.filter((path) => !rooms.test(path) && word.test(code(path)))
      .map((path) => `${path}: ${meaning}`)
  );
  assert.deepEqual(wrong, []);
});

Deno.test("files are named for what is in them, and are not too long", () => {
  const wrong = sources.flatMap((path) => {
    const name = path.split("/").at(-1)!;
    const lines = read(path).split("\n").length;
    const linesMax = /^routes\/(gateway|im|partner|admin|ops)\//.test(path) ? 400 : 300;
    return [
      ...(/^(index|utils?|helpers?|common)\.ts$/.test(name) ? [`${path}: says nothing`] : []),
      ...(lines > linesMax ? [`${path}: ${lines} lines`] : []),
    ];
  });
  assert.deepEqual(wrong, []);
});

// The inventory: every line of the contracts, and where it stands.

interface Line {
  surface: SurfaceName;
  method: string;
  path: string;
}

const key = ({ surface, method, path }: Line) =>
  `${surface} ${method.toUpperCase()} ${path.replaceAll(/\{\w+\}/g, "{}")}`;

function linesOf(file: string): Line[] {
  return read(file).split("\n").filter((line) => /^(gateway|im|partner|admin|ops)\t/.test(line))
    .map((line) => line.split("\t"))
    .map(([surface, method, path]) => ({
      surface: surface as SurfaceName,
      method: method!,
      path: path!,
    }));
}

const inventory = linesOf("tests/inventory.tsv");
/** Operations of ours, beyond the contracts. */
const ours = linesOf("tests/inventory_ours.tsv");

const surfaces = await Promise.all(
  surfaceNames.map(async (name) => [name, await loadSurface(name)] as const),
);
const mounted = surfaces.flatMap(([surface, { endpoints }]) =>
  endpoints.map(({ method, path }) => ({ surface, method, path }))
);

Deno.test("all 179 operations of the contracts are mounted, and nothing nobody knows of", () => {
  assert.equal(new Set(inventory.map(key)).size, 179);
  const present = mounted.map(key);
  const known = [...inventory, ...ours].map(key);
  assert.deepEqual(present.toSorted(), known.toSorted());
});

Deno.test("every mounted operation is named by a test of its surface", () => {
  const untested = mounted.filter(({ surface, method, path }) => {
    const tests = [...filesUnder(`tests/routes/${surface}`)].map(read).join("\n");
    return !tests.includes(`${method.toUpperCase()} ${path}`);
  });
  assert.deepEqual(untested, []);
});

/** What stands before the chapter in a surface's paths. */
const BASES: Partial<Record<SurfaceName, string>> = { admin: "/v1/admin", ops: "/v1" };

Deno.test("an endpoint's file is its chapter: the first segment of its path", async () => {
  const wrong: string[] = [];
  for (const [surface, { endpoints }] of surfaces as [SurfaceName, MountedSurface][]) {
    const found = new Set<Endpoint>();
    for (const file of filesUnder(`routes/${surface}`)) {
      const [chapter, part] = file.replace(`routes/${surface}/`, "").replace(".ts", "").split("/");
      if (["mod", "surface", "errors"].includes(chapter!) || chapter!.endsWith("fields")) continue;
      const module: Record<string, unknown> = await import(`../${file}`);
      for (const endpoint of endpoints.filter((it) => Object.values(module).includes(it))) {
        found.add(endpoint);
        const segments = endpoint.path.slice((BASES[surface] ?? "").length + 1).split("/");
        const isInPlace = segments[0] === chapter &&
          (part === undefined || segments.includes(part));
        if (!isInPlace) wrong.push(`${endpoint.path} is in ${file}`);
      }
    }
    wrong.push(
      ...endpoints.filter((it) => !found.has(it)).map(({ path }) => `${path} has no file`),
    );
  }
  assert.deepEqual(wrong, []);
});
