/** Which interface an address stands for, and what sends from this machine. */
import assert from "node:assert/strict";
import { networkInterfaces } from "node:os";
import { test } from "node:test";
import { OwnEndpoints } from "../../../src/links/own-endpoints.ts";
import { hostPort, parseHostPort } from "../../../src/links/udp-address.ts";
import { receivingAddress, Vicinity } from "../../../src/links/vicinity.ts";

const [loopback = ""] =
  Object.entries(networkInterfaces()).find(([, own]) =>
    own?.some(({ address }) => address === "127.0.0.1"),
  ) ?? [];

test("an address stands for the interface that has it, or whose network it is in", () => {
  assert.equal(new Vicinity("127.0.0.1").interfaceName, loopback);
  assert.equal(new Vicinity("127.9.9.9").interfaceName, loopback);
  assert.equal(new Vicinity("198.51.100.7").interfaceName, undefined);
});

test("who lives on the network of another interface was not heard through this one", () => {
  const here = new Vicinity("127.0.0.1");
  assert.equal(here.mayHear("127.0.0.9"), true);
  assert.equal(here.mayHear("198.51.100.7"), true, "from beyond a router");
  assert.equal(here.mayHear(`fe80::1%${loopback}`), true);
  assert.equal(here.mayHear("fe80::1%another0"), false);
  assert.equal(new Vicinity("198.51.100.7").mayHear("127.0.0.1"), false);
});

test("groups of one interface are received on it alone", () => {
  assert.equal(receivingAddress("ff02::1234", "::%eth0"), "ff02::1234%eth0");
  assert.equal(receivingAddress("FF11::1234", "::%eth0"), "FF11::1234%eth0");
  assert.equal(receivingAddress("ff02::1234%wlan0", "::%eth0"), "ff02::1234%wlan0");
  assert.equal(receivingAddress("ff15::1234", "::%eth0"), "ff15::1234");
  assert.equal(receivingAddress("ff02::1234", undefined), "ff02::1234");
  assert.equal(receivingAddress("225.1.1.1", "127.0.0.1"), "225.1.1.1");
});

test("own endpoints are those of links that are open, at every address of this machine for some", () => {
  const own = new OwnEndpoints();
  const close = own.add("127.0.0.1", 1884);
  own.add("::", 1885);
  assert.equal(own.has("127.0.0.1", 1884), true);
  assert.equal(own.has("127.0.0.2", 1884), false, "another program's");
  assert.equal(own.has("127.0.0.1", 1885), true);
  assert.equal(own.has("198.51.100.7", 1885), false);
  assert.equal(own.has("127.0.0.1", 1886), false);
  close();
  assert.equal(own.has("127.0.0.1", 1884), false);
});

test("a key is read as it was written", () => {
  for (const [address, port] of [
    ["10.0.0.7", 5000],
    ["::1", 1],
    ["fe80::1%eth0", 65_535],
  ] as const) {
    assert.deepEqual(parseHostPort(hostPort(address, port)), { address, port });
  }
  for (const wrong of ["10.0.0.7", "localhost:1", "10.0.0.7:x", "[10.0.0.7]:1", "::1:5"]) {
    assert.equal(parseHostPort(wrong), undefined, wrong);
  }
});
