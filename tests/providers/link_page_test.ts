import assert from "node:assert/strict";
import { gzipSync } from "node:zlib";
import type { LinkAnswer, LinkPreview } from "../../providers/links.ts";
import { httpLinkReader } from "../../providers/links_http.ts";
import {
  type Answer,
  answerWith,
  type Behaviour,
  failureOf,
  PUBLIC_ADDRESS,
  reasonOf,
  send,
  withLinkServer,
} from "./link_server.ts";

const URL_READ = "http://public.test/archives/1";
const HEAD = "HTTP/1.1 200 OK\r\nContent-Type: text/html; charset=utf-8\r\n";

async function read(behaviour: Behaviour | Answer, timeoutMs?: number): Promise<LinkAnswer> {
  const serving = typeof behaviour === "function" ? behaviour : answerWith(behaviour);
  const { promise: answer, resolve } = Promise.withResolvers<LinkAnswer>();
  await withLinkServer(serving, async (server) => {
    const names = { "public.test": [PUBLIC_ADDRESS] };
    resolve(await server.reader(names, { ...timeoutMs && { timeoutMs } }).read(URL_READ));
  });
  return await answer;
}

async function preview(behaviour: Behaviour | Answer): Promise<LinkPreview> {
  const answer = await read(behaviour);
  assert.ok("preview" in answer, reasonOf(answer));
  return answer.preview;
}

const page = (head: string) => ({ body: `<!doctype html><html><head>${head}</head></html>` });

Deno.test("Open Graph comes first, then the title and the description", async () => {
  assert.deepEqual(
    await preview(page(`
      <title>plain</title><meta name="description" content="plain text">
      <meta property="og:title" content="创业路上之职业技能篇 &amp; Toby">
      <meta property="og:description" content="创业吧，趁年轻！">
      <meta property="og:image" content="/upload/2019/9/a.jpeg">
      <meta property="og:url" content="/archives/%E5%88%9B">`)),
    {
      image: "http://public.test/upload/2019/9/a.jpeg",
      description: "创业吧，趁年轻！",
      title: "创业路上之职业技能篇 & Toby",
      url: "http://public.test/archives/%E5%88%9B",
    },
  );
  assert.deepEqual(
    await preview(
      page("<title>\n  plain &lt;b&gt;\n\ttitle </title><META NAME=Description CONTENT=x>"),
    ),
    { image: "", description: "x", title: "plain <b> title", url: URL_READ },
  );
  const twitter = page(
    `<meta name="twitter:title" content="t"><meta property="og:title" content=" ">
    <meta name="twitter:description" content="d"><meta name="twitter:image" content="i.png">`,
  );
  assert.deepEqual(await preview(twitter), {
    image: "http://public.test/archives/i.png",
    description: "d",
    title: "t",
    url: URL_READ,
  });
});

Deno.test("addresses are absolute http(s), of a page's own host where it speaks of itself", async () => {
  const imageOf = async (image: string, head = "") =>
    (await preview(page(`<title>t</title>${head}<meta property="og:image" content="${image}">`)))
      .image;
  assert.equal(await imageOf("a.png"), "http://public.test/archives/a.png");
  assert.equal(await imageOf("//cdn.test/a.png"), "http://cdn.test/a.png");
  assert.equal(await imageOf("a.png", '<base href="/b/">'), "http://public.test/b/a.png");
  assert.equal(await imageOf("a.png", '<base href="https://c.test/">'), "https://c.test/a.png");
  const wrong = ["javascript:alert(1)", "data:image/png;base64,x", "file:///a.png", "http://", " "];
  for (const image of [...wrong, "http://u:p@cdn.test/a.png", `/${"a".repeat(3_000)}.png`]) {
    assert.equal(await imageOf(image), "", image);
  }
  const urlOf = async (url: string) =>
    (await preview(page(`<title>t</title><meta property="og:url" content="${url}">`))).url;
  assert.equal(await urlOf("/x"), "http://public.test/x");
  assert.equal(await urlOf("https://public.test/x"), "https://public.test/x");
  for (const url of ["https://bank.test/", "javascript:alert(1)", "//public.test:8080/"]) {
    assert.equal(await urlOf(url), URL_READ, url);
  }
});

Deno.test("texts are one line, without what turns text around, and of bounded length", async () => {
  const long = await preview(page(
    `<title>${"标题".repeat(500)}</title><meta name="description" content="${"👩‍🚀".repeat(900)}">`,
  ));
  assert.equal([...long.title].length, 200);
  assert.ok(long.title.endsWith("…"));
  assert.equal([...long.description].length, 500);
  assert.equal(long.description.isWellFormed(), true);
  const sly = await preview(page("<title>a\u202egnp.exe\u2066 \u0007\u0000 b&#10;c</title>"));
  assert.equal(sly.title.includes("\u202e") || /\p{Cc}/u.test(sly.title), false);
});

/** `标题 𠮷` and `说明`, in the bytes of a charset nobody here can encode. */
const GB_TITLE = Uint8Array.of(0xb1, 0xea, 0xcc, 0xe2, 0x20, 0x95, 0x32, 0xb7, 0x36);
const GB_TEXT = Uint8Array.of(0xcb, 0xb5, 0xc3, 0xf7);
const bytesOf = (...parts: (string | Uint8Array)[]) =>
  Uint8Array.from(
    parts.flatMap((part) =>
      typeof part === "string" ? [...new TextEncoder().encode(part)] : [...part]
    ),
  );
const gbPage = (meta: string) =>
  bytesOf(
    `<html><head>${meta}<title>`,
    GB_TITLE,
    '</title><meta name="description" content="',
    GB_TEXT,
    '"></head></html>',
  );

Deno.test("the charset is the header's, else the page's own, else UTF-8 if it is that, else GB18030", async () => {
  const title = new TextDecoder("gb18030").decode(GB_TITLE);
  assert.equal(title.slice(0, 2), "标题");
  const gbPages: Answer[] = [
    { type: "text/html; charset=gb18030", body: gbPage("") },
    { type: 'TEXT/HTML ; Charset="GB2312"', body: gbPage("") },
    { type: "text/html", body: gbPage('<meta charset="gb18030">') },
    { type: "text/html", body: gbPage("<meta charset=gbk>") },
    {
      type: "text/html",
      body: gbPage('<meta http-equiv="Content-Type" content="text/html; charset=gb2312">'),
    },
    { type: "text/html; charset=gb18030", body: gbPage('<meta charset="utf-8">') },
    // As most of them come: nothing is said at all, or late.
    { type: "text/html", body: gbPage("") },
    { type: "text/html; charset=nonsense", body: gbPage('<meta charset="nonsense">') },
    { type: "text/html", body: gbPage(`<!-- ${"x".repeat(50_000)} --><meta charset="gb2312">`) },
    { type: "text/html", body: bytesOf(gbPage(""), "<body>", Uint8Array.of(0xff, 0xff)) },
  ];
  for (const answer of gbPages) {
    const found = await preview(answer);
    assert.deepEqual([found.title, found.description], [title, "说明"], `${answer.type}`);
  }
  const utf8 = "<html><head><title>标题</title></head></html>";
  for (const type of ["text/html", "text/html; charset=nonsense", "text/html; charset="]) {
    assert.equal((await preview({ type, body: utf8 })).title, "标题", type);
  }
  const claims16 = utf8.replace("<head>", '<head><meta charset="utf-16">');
  assert.equal((await preview({ type: "text/html", body: claims16 })).title, "标题");
});

Deno.test("a byte order mark wins over whatever is said", async () => {
  const text = '<html><head><meta charset="gbk"><title>标题</title></head></html>';
  const units = (littleEndian: boolean) => {
    const bytes = new DataView(new ArrayBuffer(2 + text.length * 2));
    bytes.setUint16(0, 0xfeff, littleEndian);
    for (let at = 0; at < text.length; at++) {
      bytes.setUint16(2 + at * 2, text.charCodeAt(at), littleEndian);
    }
    return new Uint8Array(bytes.buffer);
  };
  const marked = [bytesOf("\ufeff", text), units(true), units(false)];
  for (const body of marked) {
    for (const type of ["text/html", "text/html; charset=gbk", "text/html; charset=utf-8"]) {
      assert.equal((await preview({ type, body })).title, "标题", `${body.slice(0, 3)} ${type}`);
    }
  }
});

Deno.test("a text that could not be read in full is none, and gives way to the next", async () => {
  const broken = Uint8Array.of(0x61, 0xff, 0xff);
  const page = bytesOf(
    "<head><title>t</title>",
    ...['<meta property="og:title" content="', broken, '">'],
    ...['<meta name="description" content="', broken, '"></head>'],
  );
  const found = await preview({ body: page });
  assert.deepEqual([found.title, found.description], ["t", ""]);
  const nothing = { body: bytesOf("<head><title>", broken, "</title></head>") };
  assert.equal(failureOf(await read(nothing)), "unreadable");
});

Deno.test("of several tags with one name the first that says something counts", async () => {
  const found = await preview(page(
    `<meta property="og:title" content=" "><meta property="og:title" content="first">
    <meta property="og:title" content="second"><meta name="description" content="">
    <meta name="description" content="text">`,
  ));
  assert.deepEqual([found.title, found.description], ["first", "text"]);
});

Deno.test("a page that comes byte by byte, characters torn apart, is the same page", async () => {
  const body = gbPage(`<meta charset="gb18030"><!-- ${"x".repeat(1_100)} -->`);
  const found = await preview(async (connection) => {
    await send(connection, "HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n\r\n");
    for (const byte of body) await send(connection, Uint8Array.of(byte));
  });
  assert.equal(found.title, new TextDecoder("gb18030").decode(GB_TITLE));
});

Deno.test("nothing behind </head> or <body> counts, whatever looks like it before", async () => {
  const meta = '<meta property="og:title" content="late">';
  const early = await preview({
    body: `<html><head><title>early</title></head><body>${meta}</body></html>`,
  });
  assert.equal(early.title, "early");
  assert.equal((await preview({ body: `<title>early</title><body>${meta}` })).title, "early");
  const tricky = page(`<script>"</head><body>"</script><!-- </head> --><title>t</title>${meta}`);
  assert.equal((await preview(tricky)).title, "late");
});

Deno.test("reading stops at </head>, so a page without end is no trouble", async () => {
  let sentBytes = 0;
  const found = await preview(async (connection) => {
    await send(connection, `${HEAD}\r\n<html><head><title>endless</title></head><body>`);
    for (;;) {
      await send(connection, new Uint8Array(65_536).fill(32));
      sentBytes += 65_536;
    }
  });
  assert.equal(found.title, "endless");
  assert.ok(sentBytes < 32 * 1024 * 1024, `${sentBytes}`);
});

Deno.test("of a huge head one MiB is looked at", async () => {
  let sentBytes = 0;
  const huge = (start: string): Behaviour => async (connection) => {
    await send(connection, `${HEAD}\r\n<html><head>${start}<style>`);
    for (;;) {
      await send(connection, new Uint8Array(65_536).fill(97));
      sentBytes += 65_536;
    }
  };
  assert.equal((await preview(huge("<title>first</title>"))).title, "first");
  assert.equal(failureOf(await read(huge(""))), "unreadable");
  assert.ok(sentBytes < 64 * 1024 * 1024, `${sentBytes}`);
  // The title begins a byte after the limit.
  const start = "<html><head>";
  const filler = "x".repeat(1024 * 1024 - start.length - 9);
  const late = await read({ body: `${start}<!--${filler}--><title>late</title></head>` });
  assert.equal(reasonOf(late), "a page without a title");
});

Deno.test("what is no page is not read as one", async () => {
  const body = "<html><head><title>t</title></head></html>";
  const types = [
    "image/png",
    "application/json",
    "text/plain",
    "application/xhtml+xml",
    "text/htmlx",
  ];
  for (const type of [...types, "", ";text/html"]) {
    assert.deepEqual(
      await read({ type, body }),
      { failure: "unreadable", reason: "no page" },
      type,
    );
  }
  for (const status of [400, 403, 404, 429, 500, 503]) {
    assert.equal(failureOf(await read({ status, body })), "unreachable", `${status}`);
  }
  assert.equal(failureOf(await read({ body: "" })), "unreadable");
  assert.equal(failureOf(await read(page("<title> 	</title>"))), "unreadable");
});

Deno.test("a page that comes gzipped though nobody asked is unpacked, one MiB of it", async () => {
  const packed = (encoding: string, body: Uint8Array) =>
    ({ headers: { "Content-Encoding": encoding }, body }) as const;
  const whole = gzipSync("<head><title>标题</title></head>");
  for (const encoding of ["gzip", "GZIP", "x-gzip"]) {
    assert.equal((await preview(packed(encoding, whole))).title, "标题", encoding);
  }
  const { length } = whole;
  const cut = await read(packed("gzip", whole.subarray(0, length - 20)));
  assert.equal(failureOf(cut), "unreachable");
  assert.equal(failureOf(await read(packed("gzip", bytesOf("no gzip")))), "unreachable");
  const late = gzipSync(`<head><!--${"x".repeat(1024 * 1024)}--><title>t</title></head>`);
  assert.equal(reasonOf(await read(packed("gzip", late))), "a page without a title");
  // 256 MiB in 256 KiB; of all of it nobody waits for more than a moment.
  const bomb = gzipSync(new Uint8Array(256 * 1024 * 1024));
  assert.equal(reasonOf(await read(packed("gzip", bomb))), "a page without a title");
  for (const encoding of ["br", "deflate", "zstd", "identity, gzip"]) {
    const answer = await read(packed(encoding, whole));
    assert.deepEqual(answer, { failure: "unreadable", reason: "an encoded page" }, encoding);
  }
  const plain = { ...page("<title>t</title>"), headers: { "Content-Encoding": "identity" } };
  assert.equal((await preview(plain)).title, "t");
});

/** Servers that keep a reader waiting, each in its own way. */
const SLOW: Record<string, Behaviour> = {
  "says nothing": () => new Promise((resolve) => setTimeout(resolve, 1_000)),
  "drips its headers": async (connection) => {
    await send(connection, "HTTP/1.1 200 OK\r\nX-Drip: ");
    for (;;) await drip(connection);
  },
  "drips its page": async (connection) => {
    await send(connection, `${HEAD}\r\n<html><head><title>`);
    for (;;) await drip(connection);
  },
  "stops in the middle": async (connection) => {
    await send(connection, `${HEAD}Content-Length: 1000\r\n\r\n<html><head><title>t`);
    await new Promise((resolve) => setTimeout(resolve, 1_000));
  },
};

async function drip(connection: Deno.Conn) {
  await send(connection, "x");
  await new Promise((resolve) => setTimeout(resolve, 50));
}

for (const [what, behaviour] of Object.entries(SLOW)) {
  Deno.test(`a server that ${what} is given up at the deadline`, async () => {
    const startedAt = performance.now();
    assert.equal(failureOf(await read(behaviour, 300)), "unreachable");
    const tookMs = performance.now() - startedAt;
    assert.ok(tookMs > 250 && tookMs < 2_500, `${tookMs}`);
  });
}

Deno.test("a server that is given up is hung up on, so that no reading outlives its caller", async () => {
  const { promise: hungUp, resolve: noticeHangUp } = Promise.withResolvers<boolean>();
  await withLinkServer(async (connection) => {
    await send(connection, `${HEAD}\r\n<html><head><title>`);
    try {
      for (;;) await drip(connection);
    } catch {
      noticeHangUp(true);
    }
  }, async (server) => {
    const reader = server.reader({ "public.test": [PUBLIC_ADDRESS] }, { timeoutMs: 200 });
    assert.equal(failureOf(await reader.read(URL_READ)), "unreachable");
    const timer = setTimeout(() => noticeHangUp(false), 2_000);
    assert.equal(await hungUp, true);
    clearTimeout(timer);
  });
});

Deno.test("a name server that never answers is given up at the deadline too, at three seconds", async () => {
  const startedAt = performance.now();
  const reader = httpLinkReader({ resolve: () => new Promise(() => {}) });
  assert.equal(failureOf(await reader.read(URL_READ)), "unreachable");
  const tookMs = performance.now() - startedAt;
  assert.ok(tookMs > 2_900 && tookMs < 6_000, `${tookMs}`);
});

Deno.test("broken answers are failures, not faults", async () => {
  const broken: Behaviour[] = [
    () => Promise.resolve(),
    (connection) => send(connection, "no HTTP at all\r\n\r\n"),
    (connection) => send(connection, "HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-"),
    (connection) => send(connection, `${HEAD}Content-Length: 100\r\n\r\n<html><head>`),
    (connection) => send(connection, `${HEAD}Transfer-Encoding: chunked\r\n\r\nzz\r\nx`),
    async (connection) => {
      await send(connection, "HTTP/1.1 200 OK\r\n");
      for (let at = 0; at < 100_000; at++) {
        await send(connection, `X-${at}: ${"x".repeat(1_000)}\r\n`);
      }
    },
  ];
  for (const behaviour of broken) {
    assert.equal(failureOf(await read(behaviour, 2_000)), "unreachable");
  }
});

Deno.test("one process reads 32 pages at a time, and says so to the next", async () => {
  const { promise: go, resolve: letGo } = Promise.withResolvers<void>();
  await withLinkServer(async (connection) => {
    await go;
    await send(connection, `${HEAD}\r\n<title>t</title><body>`);
  }, async (server) => {
    const reader = server.reader({ "public.test": [PUBLIC_ADDRESS] });
    const first = Array.from({ length: 32 }, () => reader.read(URL_READ));
    assert.equal(failureOf(await reader.read(URL_READ)), "busy");
    letGo();
    for (const answer of await Promise.all(first)) assert.equal(failureOf(answer), "a preview: t");
    assert.equal(failureOf(await reader.read(URL_READ)), "a preview: t");
  });
});
