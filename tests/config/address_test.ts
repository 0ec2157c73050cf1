import assert from "node:assert/strict";
import { isLoopback, isWithin, networksOf, parseAddress } from "../../config/runtime/address.ts";

Deno.test("parseAddress has one spelling for each address, and none for what is no address", () => {
  const spellings: Record<string, string | undefined> = {
    "203.0.113.7": "203.0.113.7",
    " 203.0.113.7:4711 ": "203.0.113.7",
    "::ffff:203.0.113.7": "203.0.113.7",
    "::FFFF:cb00:7107": "203.0.113.7",
    "[::ffff:203.0.113.7]:80": "203.0.113.7",
    "2001:DB8:0:0:1::0001": "2001:db8::1:0:0:1",
    "[2001:db8::1]": "2001:db8::1",
    "[2001:db8::1]:65535": "2001:db8::1",
    "fe80::1%eth0": "fe80::1",
    "0177.0.0.1": undefined,
    "127.1": undefined,
    "0x7f000001": undefined,
    "2001:db8::1::2": undefined,
    "unknown": undefined,
    "": undefined,
    "203.0.113.256": undefined,
  };
  for (const [given, expected] of Object.entries(spellings)) {
    assert.equal(parseAddress(given), expected, given);
  }
});

Deno.test("networksOf counts IPv4 by address, IPv6 by /64 and ten times that by /48", () => {
  assert.deepEqual(networksOf("203.0.113.7"), [{ name: "203.0.113.7", factor: 1 }]);
  assert.deepEqual(networksOf("2001:db8:1:2:3:4:5:6"), [
    { name: "2001:db8:1:2::/64", factor: 1 },
    { name: "2001:db8:1::/48", factor: 10 },
  ]);
  assert.deepEqual(networksOf("unknown"), [{ name: "unknown", factor: 1 }]);
});

Deno.test("isWithin and isLoopback know networks of both kinds", () => {
  assert.ok(isWithin("172.17.0.1", ["10.0.0.0/8", "172.16.0.0/12"]));
  assert.ok(!isWithin("172.32.0.1", ["172.16.0.0/12", "::/0"]));
  assert.ok(isWithin("2001:db8::1", ["2001:db8::/32"]));
  assert.ok(isLoopback("127.9.9.9") && isLoopback("::1") && !isLoopback("10.0.0.1"));
});
