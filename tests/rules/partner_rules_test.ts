import fc from "fast-check";
import assert from "node:assert/strict";
import { DomainError } from "../../db/domain/errors.ts";
import { contentOf, contentsOf, notifiedAs, payloadOf } from "../../db/domain/messages/content.ts";
import { checkAddress, isAllowedAddress } from "../../db/domain/partners/credentials.ts";
import { chooseSeller, sellerName } from "../../db/domain/partners/rules.ts";

/** What partners send: any text, JSON of any shape, and above all what looks like our payloads. */
const payloadLike = fc.record({
  type: fc.oneof(fc.integer(), fc.constant(1), fc.constant("1"), fc.constant(1.5)),
  content: fc.oneof(fc.string(), fc.integer(), fc.constant({})),
  notification: fc.oneof(fc.string(), fc.array(fc.string()), fc.constant(null)),
  further_notifications: fc.oneof(fc.array(fc.string()), fc.string()),
  extra: fc.jsonValue(),
}, { requiredKeys: [] });
const spaced = fc.tuple(payloadLike, fc.constantFrom(undefined, 1, "\t"))
  .map(([value, space]) => JSON.stringify(value, null, space));
const contents = fc.oneof(
  fc.string({ unit: "binary" }),
  fc.json(),
  spaced,
  // A payload inside a payload.
  spaced.map((content) => JSON.stringify({ type: 1, content })),
  spaced.map((notification) => JSON.stringify({ type: 1001, notification })),
);

Deno.test("whatever a partner says, its clients read exactly that", () => {
  fc.assert(
    fc.property(contents, (content) => {
      const payload = payloadOf(content);
      assert.equal(contentOf(payload), content);
      assert.deepEqual(contentsOf(payload), [content]);
      const { type } = JSON.parse(payload);
      assert.ok(Number.isInteger(type), "and the chat app knows what kind it is");
    }),
    { numRuns: 2_000 },
  );
});

Deno.test("content that is a payload stays one, any other becomes a text", () => {
  const image = '{"type":2,"url":"a.png"}';
  assert.equal(payloadOf(image), image);
  assert.equal(payloadOf("你好"), '{"type":1,"content":"你好"}');
  // Would be read back as "hi": not what was said.
  const text = '{"type":1,"content":"hi"}';
  assert.equal(payloadOf(text), JSON.stringify({ type: 1, content: text }));
});

Deno.test("a partner's client reads the words of a text, a group's news in the partner's form", () => {
  assert.equal(contentOf('{"type":1,"content":"你好"}'), "你好");
  const news = '{"create":{"group_id":1}}';
  assert.equal(contentOf(JSON.stringify({ type: 1001, notification: news })), news);
  const mention = '{"type":1,"content":"@Toby","mention":{"all":1}}';
  for (const payload of [mention, '{"type":2}', "no JSON", "[1]", "null"]) {
    assert.equal(contentOf(payload), payload);
  }
});

Deno.test("of several notifications in one message each is read by itself", () => {
  const texts = ["a", '{"b":1}', "c"];
  for (const said of [texts, texts.slice(0, 1)]) {
    const payload = JSON.stringify({ type: 1003, ...notifiedAs(said) });
    assert.deepEqual(contentsOf(payload), said);
    assert.equal(contentOf(payload), "a");
  }
  assert.deepEqual(notifiedAs([]), {});
});

Deno.test("who helped last helps, else one of those online, else the first", () => {
  const person = fc.record({ isLast: fc.boolean(), isOnline: fc.boolean() });
  const people = fc.array(person, { minLength: 1 });
  fc.assert(fc.property(people, fc.nat(), (people, drawn) => {
    const counts: number[] = [];
    const draw = (count: number) => (counts.push(count), drawn % count);
    const chosen = chooseSeller(people as [typeof people[0], ...typeof people], draw);
    const last = people.filter(({ isLast }) => isLast);
    const online = people.filter(({ isOnline }) => isOnline);
    if (last.length > 0) assert.equal(chosen, last[0]);
    else if (online.length > 0) assert.equal(chosen, online[drawn % online.length]);
    else assert.equal(chosen, people[0]);
    const expected = last.length === 0 && online.length > 0 ? [online.length] : [];
    assert.deepEqual(counts, expected, "drawn once, and only where there is a choice");
  }));
});

Deno.test("a seller's name ends before the first @", () => {
  const names = { "Anna@desk": "Anna", "Carl@a@b": "Carl", "Ben": "Ben", "@desk": "", "": "" };
  for (const [name, shown] of Object.entries(names)) assert.equal(sellerName(name), shown);
});

Deno.test("an address is the same however it is spelt", () => {
  const spelt = {
    "203.0.113.7": ["203.0.113.7", "::ffff:203.0.113.7", "::FFFF:cb00:7107"],
    "2001:db8::1": ["2001:DB8::1", "2001:0db8:0:0:0:0:0:1", "2001:db8:0::1"],
    "::1": ["0:0:0:0:0:0:0:1"],
  };
  const app = { id: 1, tenantId: 1, secretHashes: [] };
  for (const [plain, spellings] of Object.entries(spelt)) {
    for (const spelling of [plain, ...spellings]) {
      assert.equal(checkAddress(spelling), plain);
    }
    assert.ok(isAllowedAddress({ ...app, addresses: [plain] }, plain), plain);
    assert.ok(!isAllowedAddress({ ...app, addresses: ["203.0.113.8", "::2"] }, plain));
    assert.ok(isAllowedAddress({ ...app, addresses: null }, plain));
  }
  assert.ok(!isAllowedAddress({ ...app, addresses: ["203.0.113.7"] }, "unknown"));
  for (const wrong of ["", "unknown", "1.2.3", "1.2.3.4/8", "plaza.test"]) {
    assert.throws(() => checkAddress(wrong), DomainError, wrong);
  }
});
