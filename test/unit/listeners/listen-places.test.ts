import assert from "node:assert/strict";
import type { NetworkInterfaceInfo } from "node:os";
import { describe, test } from "node:test";
import { interfacePlaces, listenPlaces } from "../../../src/listeners/listen-places.ts";

const COMMON = { netmask: "", mac: "", internal: false, cidr: null };
const INTERFACES: Readonly<Record<string, readonly NetworkInterfaceInfo[]>> = {
  eth0: [
    { ...COMMON, family: "IPv4", address: "192.0.2.7" },
    { ...COMMON, family: "IPv6", address: "2001:db8::7", scopeid: 0 },
    { ...COMMON, family: "IPv6", address: "fe80::7", scopeid: 2 },
  ],
  wg0: [{ ...COMMON, family: "IPv4", address: "10.0.0.1" }],
};

function hosts(name: string, domain?: "ipv4" | "ipv6"): unknown {
  return interfacePlaces(name, domain, INTERFACES).map(({ host }) => host);
}

describe("a network interface", () => {
  test("is all its addresses; link-local ones are bound to it", () => {
    assert.deepEqual(hosts("eth0"), ["192.0.2.7", "2001:db8::7", "fe80::7%eth0"]);
    assert.deepEqual(hosts("eth0", "ipv4"), ["192.0.2.7"]);
    assert.deepEqual(hosts("eth0", "ipv6"), ["2001:db8::7", "fe80::7%eth0"]);
  });

  test("that is not there, or has no such address, is told with what there is", () => {
    assert.throws(
      () => hosts("eth1"),
      /no network interface "eth1" with an address; it has: eth0, wg0$/,
    );
    assert.throws(() => hosts("wg0", "ipv6"), /"wg0" has no IPv6 address$/);
  });
});

describe("an address", () => {
  for (const [address, socketDomain, expected] of [
    ["", undefined, [{ host: undefined, ipv6Only: false }]],
    ["", "ipv4", [{ host: "0.0.0.0", ipv6Only: false }]],
    ["", "ipv6", [{ host: "::", ipv6Only: true }]],
    [
      "localhost",
      undefined,
      [
        { host: "127.0.0.1", ipv6Only: false },
        { host: "::1", ipv6Only: false },
      ],
    ],
    ["localhost", "ipv4", [{ host: "127.0.0.1", ipv6Only: false }]],
    ["localhost", "ipv6", [{ host: "::1", ipv6Only: true }]],
    ["192.0.2.1", undefined, [{ host: "192.0.2.1", ipv6Only: false }]],
    ["::", undefined, [{ host: "::", ipv6Only: false }]],
    ["::", "ipv6", [{ host: "::", ipv6Only: true }]],
  ] as const) {
    test(`"${address}"${socketDomain === undefined ? "" : ` for ${socketDomain}`}`, async () => {
      assert.deepEqual(
        await listenPlaces({ address, socketDomain, bindInterface: undefined }),
        expected,
      );
    });
  }

  test("of the other version of IP is refused", async () => {
    const options = { address: "192.0.2.1", socketDomain: "ipv6" } as const;
    await assert.rejects(listenPlaces(options), /it is no IPv6 address/);
  });
});
