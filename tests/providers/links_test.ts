import assert from "node:assert/strict";
import { isPublicAddress } from "../../providers/addresses.ts";
import { httpLinkReader } from "../../providers/links_http.ts";
import {
  answerWith,
  failureOf,
  PUBLIC_ADDRESS,
  reasonOf,
  redirectTo,
  send,
  withLinkServer,
} from "./link_server.ts";

const PAGE = "<html><head><title>reached</title></head></html>";

/** Addresses a resolver may answer with; none of them is a host of the internet. */
const INNER_ADDRESSES = [
  // IPv4: unspecified, private, shared, loopback, link-local with the clouds' metadata.
  ...["0.0.0.0", "0.1.2.3", "10.0.0.1", "10.255.255.255", "172.16.0.1", "172.31.255.254"],
  ...["192.168.0.1", "192.168.255.255", "100.64.0.1", "100.100.100.200", "100.127.255.255"],
  ...["127.0.0.1", "127.0.0.2", "127.255.255.255", "169.254.0.1", "169.254.169.254"],
  ...["169.254.170.2", "168.63.129.16"],
  // IPv4: protocol assignments, documentation, benchmarks, relays, multicast, reserved.
  ...["192.0.0.1", "192.0.0.192", "192.0.2.1", "192.31.196.1", "192.52.193.1", "192.88.99.1"],
  ...["192.175.48.1", "198.18.0.1", "198.19.255.255", "198.51.100.1", "203.0.113.1"],
  ...["224.0.0.1", "239.255.255.250", "240.0.0.1", "255.255.255.255"],
  // IPv6: unspecified, loopback, unique local, link-local, site-local, multicast, discard.
  ...["::", "::1", "0:0:0:0:0:0:0:1", "fc00::1", "fd00:ec2::254", "fdff::1", "fe80::1"],
  ...["fe80::1%eth0", "febf::1", "fec0::1", "ff02::1", "ff0e::1", "100::1"],
  // IPv4 inside IPv6: mapped, compatible, translated, NAT64, 6to4, Teredo.
  ...["::ffff:127.0.0.1", "::ffff:7f00:1", "::ffff:8.8.8.8", "::ffff:a9fe:a9fe", "::127.0.0.1"],
  ...["::7f00:1", "::8.8.8.8", "::ffff:0:127.0.0.1", "64:ff9b::7f00:1", "64:ff9b::8.8.8.8"],
  ...["64:ff9b:1::7f00:1", "2002:7f00:1::", "2002:a9fe:a9fe::1", "2001::1", "2001:0:7f00:1::"],
  // IPv6: documentation, benchmarks, overlay ids, segment routing, nobody's.
  ...["2001:db8::1", "3fff::1", "2001:2::1", "2001:10::1", "2001:20::1", "5f00::1"],
  ...["4000::1", "1::1", "e000::1"],
  // What is no address, or one in a spelling no resolver uses.
  ...[
    "",
    "localhost",
    "127.1",
    "0x7f.0.0.1",
    "0177.0.0.1",
    "2130706433",
    "127.0.0.1.",
    " 127.0.0.1",
  ],
  ...["2606:4700::1111%eth0", "8.8.8.8/8", "[::1]", "1.2.3", "256.1.1.1"],
];

Deno.test("no address inside our own network, or that carries another inside, is public", () => {
  assert.deepEqual(INNER_ADDRESSES.filter(isPublicAddress), []);
});

Deno.test("ordinary addresses are public, up to the edges of the ranges that are not", () => {
  const outer = [
    ...["1.1.1.1", "8.8.8.8", PUBLIC_ADDRESS, "9.255.255.255", "11.0.0.0", "100.63.255.255"],
    ...["100.128.0.0", "126.255.255.255", "128.0.0.0", "169.253.255.255", "169.255.0.0"],
    ...["172.15.255.255", "172.32.0.0", "192.167.255.255", "192.169.0.0", "223.255.255.255"],
    ...["2606:4700:4700::1111", "2400:3200::1", "2a00:1450:4001::1", "2001:4860:4860::8888"],
  ];
  assert.deepEqual(outer.filter((address) => !isPublicAddress(address)), []);
});

Deno.test("a name with any such address is not followed, whatever else it has", () =>
  withLinkServer(answerWith({ body: PAGE }), async (server) => {
    for (const inner of INNER_ADDRESSES) {
      for (const addresses of [[inner], [PUBLIC_ADDRESS, inner], [inner, PUBLIC_ADDRESS]]) {
        const reader = server.reader({ "inner.test": addresses });
        assert.equal(failureOf(await reader.read("http://inner.test/")), "refused", inner);
        assert.deepEqual(reader.dialled, []);
      }
    }
    assert.equal(server.connectionCount, 0);
  }));

/** The same as somebody types it into a link. `%PORT%` is where our own server listens. */
const INNER_LINKS = [
  ...["http://127.0.0.1/", "http://127.0.0.1:80/", "http://127.1/", "http://127.0.1/"],
  ...["http://0/", "http://0.0.0.0/", "http://0x7f.0.0.1/", "http://0x7f000001/"],
  ...["http://2130706433/", "http://017700000001/", "http://0177.0.0.1/", "http://0x7f.1/"],
  ...["http://127.0.0.1./", "http://127。0。0。1/", "http://①②⑦.0.0.1/", "http://１２７.0.0.1/"],
  ...["http:127.0.0.1", "http:/127.0.0.1/", "http:\\\\127.0.0.1\\", "http:///127.0.0.1/"],
  ...["HTTP://127.0.0.1/", "\thttp://127.0.0.1/", "http://127.0.0.1#@public.test/"],
  ...["http://127.0.0.1\\@public.test/", "http://%31%32%37.0.0.1/", "http://127.0.0.1?.test/"],
  ...["http://[::1]/", "http://[::]/", "http://[0:0:0:0:0:0:0:1]/", "http://[::ffff:127.0.0.1]/"],
  ...["http://[::ffff:7f00:1]/", "http://[::127.0.0.1]/", "http://[64:ff9b::127.0.0.1]/"],
  ...["http://[2002:7f00:1::]/", "http://[fe80::1]/", "http://[fd00:ec2::254]/"],
  ...["http://169.254.169.254/latest/meta-data/", "http://0xa9fea9fe/", "http://2852039166/"],
  ...["http://100.100.100.200/latest/meta-data/", "http://168.63.129.16/", "http://10.0.0.1/"],
  ...["https://127.0.0.1/", "https://192.168.1.1/", "http://172.16.0.1:443/"],
];

/** Links that are refused for what they say, whatever their name resolves to. */
const WRONG_LINKS = [
  ...["", "http://", "http://[::1", "//public.test/", "public.test", "http://999.1.1.1/"],
  ...["http://[fe80::1%25eth0]/", "http://a b/", "http://public.test:99999/"],
  ...["ftp://public.test/", "file:///etc/passwd", "gopher://public.test/", "data:text/html,x"],
  ...[
    "javascript:alert(1)",
    "ws://public.test/",
    "blob:http://public.test/x",
    "view-source:http://a",
  ],
  ...["http://public.test:22/", "http://public.test:8000/", "http://public.test:0/"],
  ...["https://public.test:8443/", "http://public.test:6379/", "http://public.test:%PORT%/"],
  ...["http://user@public.test/", "http://user:secret@public.test/", "http://:x@public.test/"],
  ...[
    "http://public.test@127.0.0.1/",
    "http://127.0.0.1:80@public.test/",
    "http://127.0.0.1:%PORT%/",
  ],
];

Deno.test("no spelling of a link leads to ourselves, to another port or scheme", () =>
  withLinkServer(answerWith({ body: PAGE }), async (server) => {
    for (const link of [...INNER_LINKS, ...WRONG_LINKS]) {
      const reader = server.reader({ "public.test": [PUBLIC_ADDRESS] });
      const answer = await reader.read(link.replace("%PORT%", String(server.port)));
      assert.equal(failureOf(answer), "refused", link);
      assert.deepEqual(reader.dialled, [], link);
    }
    assert.equal(server.connectionCount, 0);
    assert.ok(INNER_ADDRESSES.length + INNER_LINKS.length + WRONG_LINKS.length > 140);
  }));

Deno.test("the real resolver knows our own names, and they are refused too", async () => {
  const reader = httpLinkReader();
  for (const link of ["http://localhost/", "http://LOCALHOST/", "https://localhost:80/"]) {
    const answer = await reader.read(link);
    assert.equal(failureOf(answer), "refused", `${link}: ${reasonOf(answer)}`);
  }
});

Deno.test("a public page is read: one lookup, one connection, nothing said of who asks", () =>
  withLinkServer(answerWith({ body: PAGE }), async (server) => {
    const reader = server.reader({ "public.test": [PUBLIC_ADDRESS] });
    const answer = await reader.read("http://public.test/a/b?c=d#e");
    assert.deepEqual(answer, {
      preview: {
        image: "",
        description: "",
        title: "reached",
        url: "http://public.test/a/b?c=d",
      },
    });
    assert.deepEqual(reader.resolved, ["public.test"]);
    assert.deepEqual(reader.dialled, [`${PUBLIC_ADDRESS}:80`]);
    assert.equal(server.connectionCount, 1);
    const [first, ...headers] = server.requests[0]!.trim().split("\r\n");
    assert.equal(first, "GET /a/b?c=d HTTP/1.1");
    const names = headers.map((line) => line.split(":")[0]!.toLowerCase()).sort();
    assert.deepEqual(names, [
      ...["accept", "accept-encoding", "accept-language", "connection", "host", "user-agent"],
    ]);
    assert.match(server.requests[0]!, /host: public\.test\r\n/i);
    assert.match(server.requests[0]!, /accept-encoding: identity\r\n/i);
  }));

Deno.test("a public address in the link itself needs no lookup", () =>
  withLinkServer(answerWith({ body: PAGE }), async (server) => {
    const reader = server.reader({});
    assert.equal(failureOf(await reader.read(`http://${PUBLIC_ADDRESS}/`)), "a preview: reached");
    assert.deepEqual(reader.resolved, []);
  }));

Deno.test("of several addresses IPv4 is taken", () =>
  withLinkServer(answerWith({ body: PAGE }), async (server) => {
    const reader = server.reader({ "public.test": ["2606:4700:4700::1111", PUBLIC_ADDRESS] });
    assert.equal(failureOf(await reader.read("http://public.test/")), "a preview: reached");
    assert.deepEqual(reader.dialled, [`${PUBLIC_ADDRESS}:80`]);
  }));

Deno.test("HTTPS goes to the checked address and names the host it wants", async () => {
  let hello = new Uint8Array();
  await withLinkServer((_connection, request) => {
    hello = Uint8Array.from(request, (character) => character.charCodeAt(0));
    return Promise.resolve();
  }, async (server) => {
    const reader = server.reader({ "public.test": [PUBLIC_ADDRESS] });
    assert.equal(failureOf(await reader.read("https://public.test/")), "unreachable");
    assert.deepEqual(reader.dialled, [`${PUBLIC_ADDRESS}:443`]);
    assert.equal(server.connectionCount, 1);
  });
  assert.equal(hello[0], 0x16, "a TLS handshake, not a request in the clear");
  assert.ok(new TextDecoder("latin1").decode(hello).includes("public.test"), "SNI");
});

/** Answers of a name server that changes its mind: public when checked, ours when connected to. */
function rebinding(): { resolve: () => Promise<string[]>; askedCount: () => number } {
  let count = 0;
  return {
    resolve: () => Promise.resolve([count++ === 0 ? PUBLIC_ADDRESS : "127.0.0.1"]),
    askedCount: () => count,
  };
}

Deno.test("a name that resolves to ourselves the second time is not asked a second time", () =>
  withLinkServer(answerWith({ body: PAGE }), async (server) => {
    const { resolve, askedCount } = rebinding();
    const reader = httpLinkReader({
      resolve,
      timeoutMs: 1_000,
      // The checked address is a neighbour of our server where nobody listens; whoever asks for
      // the name again, be it the resolver here or the machine's own, gets to the server.
      dial: ({ address }) => ({
        address: address === PUBLIC_ADDRESS ? "127.0.0.2" : address,
        port: server.port,
      }),
    });
    const answer = await reader.read("http://localhost/");
    assert.equal(failureOf(answer), "unreachable");
    assert.equal(askedCount(), 1);
    assert.equal(server.connectionCount, 0);
  }));

Deno.test("a redirect to the same name asks anew, and is refused when it has become ours", () =>
  withLinkServer(answerWith(redirectTo("/again")), async (server) => {
    const { resolve, askedCount } = rebinding();
    const reader = httpLinkReader({
      resolve,
      dial: () => ({ address: "127.0.0.1", port: server.port }),
    });
    const answer = await reader.read("http://rebinding.test/");
    assert.deepEqual([failureOf(answer), reasonOf(answer)], ["refused", "no public address"]);
    assert.equal(askedCount(), 2);
    assert.equal(server.connectionCount, 1, "no second connection, by a kept socket either");
  }));

Deno.test("redirects: three are followed, each is checked, a fourth is not made", async (t) => {
  const chain = (path: string) => {
    const left = Number(path.slice(1));
    return left > 0 ? redirectTo(`/${left - 1}`) : { body: PAGE };
  };
  await t.step("three", () =>
    withLinkServer(answerWith(chain), async (server) => {
      const reader = server.reader({ "public.test": [PUBLIC_ADDRESS] });
      const answer = await reader.read("http://public.test/3");
      assert.equal(failureOf(answer), "a preview: reached");
      assert.equal("preview" in answer && answer.preview.url, "http://public.test/0");
      assert.deepEqual(reader.resolved.length, 4);
      assert.equal(server.connectionCount, 4);
    }));
  await t.step("four", () =>
    withLinkServer(answerWith(chain), async (server) => {
      const reader = server.reader({ "public.test": [PUBLIC_ADDRESS] });
      const answer = await reader.read("http://public.test/4");
      assert.deepEqual([failureOf(answer), reasonOf(answer)], ["unreadable", "too many redirects"]);
      assert.equal(server.connectionCount, 4);
    }));
  await t.step("inward, in any spelling", async () => {
    const wrong = [...INNER_LINKS, ...WRONG_LINKS].filter((link) =>
      // As a reference these stay on the page's own host.
      /^[a-z-]+:(\/\/|[^/\\0-9])/i.test(link) && !link.startsWith("http:1")
    ).concat("http://inner.test/", "//127.0.0.1/", "//inner.test/", "\\\\127.0.0.1\\x");
    assert.ok(wrong.length > 50);
    for (const link of wrong) {
      const location = link.replaceAll(
        /[^\x20-\x7e]/g,
        (character) => encodeURIComponent(character),
      );
      await withLinkServer(answerWith(redirectTo(location)), async (server) => {
        const names = { "public.test": [PUBLIC_ADDRESS], "inner.test": ["127.0.0.1"] };
        const reader = server.reader(names);
        const answer = await reader.read("http://public.test/");
        assert.equal(failureOf(answer), "refused", location);
        assert.deepEqual(reader.dialled, [`${PUBLIC_ADDRESS}:80`], location);
        assert.equal(server.connectionCount, 1, location);
      });
    }
  });
  await t.step("to an address in raw bytes, UTF-8 or not", async () => {
    const raw: [Uint8Array, string][] = [
      [new TextEncoder().encode("/目标?q=é"), "/%E7%9B%AE%E6%A0%87?q=%C3%A9"],
      [Uint8Array.of(0x2f, 0xb1, 0xea, 0xcc, 0xe2), "/%B1%EA%CC%E2"],
    ];
    for (const [location, path] of raw) {
      await withLinkServer(async (connection, request) => {
        if (!request.startsWith("GET / ")) {
          return await answerWith({ body: PAGE })(connection, request);
        }
        await send(connection, "HTTP/1.1 302 Found\r\nConnection: close\r\nLocation: ");
        await send(connection, location);
        await send(connection, "\r\n\r\n");
      }, async (server) => {
        const reader = server.reader({ "public.test": [PUBLIC_ADDRESS] });
        assert.equal(failureOf(await reader.read("http://public.test/")), "a preview: reached");
        assert.equal(server.requests[1]!.split(" ")[1], path);
      });
    }
  });
  await t.step("every status that is one, and none without a place", async () => {
    for (const status of [301, 302, 303, 307, 308]) {
      const behaviour = answerWith((path) =>
        path === "/" ? { ...redirectTo("http://public.test/x"), status } : { body: PAGE }
      );
      await withLinkServer(behaviour, async (server) => {
        const reader = server.reader({ "public.test": [PUBLIC_ADDRESS] });
        assert.equal(failureOf(await reader.read("http://public.test/")), "a preview: reached");
      });
    }
    await withLinkServer(answerWith({ status: 302, body: PAGE }), async (server) => {
      const reader = server.reader({ "public.test": [PUBLIC_ADDRESS] });
      assert.equal(failureOf(await reader.read("http://public.test/")), "unreachable");
    });
  });
});
