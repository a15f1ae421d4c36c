/** Addresses of UDP nodes. */
import assert from "node:assert/strict";
import { it } from "node:test";
import { UdpAddressBook } from "../../../src/links/udp-address.ts";
import { UdpPort } from "../../../src/links/udp-port.ts";

const through = new UdpPort({
  family: 4,
  address: "127.0.0.1",
  port: 0,
  shared: false,
  bufferSize: 0,
  receive: () => {},
});

it("one address is one object, with a key as URLs write it", () => {
  const book = new UdpAddressBook();
  const known = book.find(through, "10.0.0.1", 1884);
  assert.equal(known.key, "10.0.0.1:1884");
  assert.equal(book.find(through, "10.0.0.1", 1884), known);
  assert.notEqual(book.find(through, "10.0.0.1", 1885), known);
  assert.equal(book.find(through, "fe80::1%eth0", 1884).key, "[fe80::1%eth0]:1884");
});

it("forged senders without end do not fill the memory", () => {
  const book = new UdpAddressBook();
  const first = book.find(through, "10.0.0.1", 1);
  for (let number = 0; number < 20_000; number++) {
    book.find(through, `10.1.${number >> 8}.${number & 255}`, 1 + (number % 65_535));
  }
  const again = book.find(through, "10.0.0.1", 1);
  assert.notEqual(again, first);
  assert.equal(again.key, first.key);
});
