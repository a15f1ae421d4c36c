/** IP addresses and ranges of them. */
import assert from "node:assert/strict";
import { isIP } from "node:net";
import { test } from "node:test";
import fc from "fast-check";
import { inRange, parseIp, parseRange } from "../../../src/gateway/ip-range.ts";

function includes(range: string, address: string): boolean {
  const [parsed, ip] = [parseRange(range), parseIp(address)];
  assert.ok(parsed !== undefined, range);
  return ip !== undefined && inRange(parsed, ip);
}

for (const [range, inside, outside] of [
  ["10.0.0.7", "10.0.0.7", "10.0.0.8"],
  ["10.0.0.0/8", "10.255.1.2", "11.0.0.0"],
  ["192.168.6.0/23", "192.168.7.255", "192.168.8.0"],
  ["0.0.0.0/0", "1.2.3.4", "::1"],
  ["::/0", "2001:db8::1", "1.2.3.4"],
  ["2001:db8::/33", "2001:db8:7fff::1", "2001:db8:8000::1"],
  ["fe80::1", "fe80:0:0::1%eth0", "fe80::2"],
  ["10.0.0.0/8", "::ffff:10.1.1.1", "::10.1.1.1"],
] as const) {
  test(`${range} includes ${inside}, not ${outside}`, () => {
    assert.equal(includes(range, inside), true);
    assert.equal(includes(range, outside), false);
  });
}

for (const text of [
  "",
  "10.0.0",
  "10.0.0.256",
  "10.0.0.0/33",
  "10.0.0.0/",
  "010.0.0.1",
  "::1::",
  "1::/129",
  "a/8",
]) {
  test(`"${text}" is no range`, () => assert.equal(parseRange(text), undefined));
}

test("what Node takes for an address is one", () => {
  const address = fc.oneof(fc.ipV4(), fc.ipV6());
  fc.assert(
    fc.property(address, (text) => {
      // IPv4 within IPv6 in another form than the mapped one is nothing that a socket shows.
      if (text.includes(":") && text.includes(".")) return;
      assert.notEqual(parseIp(text), undefined);
    }),
  );
  fc.assert(
    fc.property(fc.string({ unit: fc.constantFrom(..."0123456789abf:.") }), (text) => {
      if (isIP(text) === 0) assert.equal(parseIp(text), undefined, text);
    }),
    { numRuns: 2000 },
  );
});
