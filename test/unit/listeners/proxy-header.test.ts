import assert from "node:assert/strict";
import { describe, test } from "node:test";
import fc from "fast-check";
import { crc32c } from "../../../src/bytes/crc32c.ts";
import {
  LOCAL,
  type ProxyFault,
  ProxyHeaderReader,
  type ProxyResult,
} from "../../../src/listeners/proxy-header.ts";
import {
  extension,
  proxyV2,
  textField,
  tlsExtension,
  withChecksum,
} from "../../kit/proxy-header.ts";

const BEHIND = "\x10\x0cMQTT";

/** What the reader makes of it, all at once and byte by byte alike. */
function read(version: 1 | 2, bytes: Uint8Array | string) {
  const all = typeof bytes === "string" ? Buffer.from(bytes, "latin1") : bytes;
  const whole = new ProxyHeaderReader(version).feed(all);
  const single = new ProxyHeaderReader(version);
  let used = 0;
  let pieces: ProxyResult | ProxyFault | undefined;
  while (used < all.length && pieces === undefined) {
    pieces = single.feed(all.slice(used, used + 1));
    used++;
  }
  if (whole === undefined || "fault" in whole) {
    assert.deepEqual(pieces, whole);
    return whole?.fault;
  }
  assert.ok(pieces !== undefined && "header" in pieces);
  assert.deepEqual(pieces.header, whole.header);
  assert.deepEqual(Buffer.from(whole.rest), Buffer.from(all.subarray(used)));
  return whole.header;
}

function peer(address: string | undefined, port: number) {
  return { address, port, tls: undefined };
}

describe("version 1", () => {
  for (const [line, header] of [
    ["PROXY TCP4 192.0.2.5 198.51.100.1 6275 1883\r\n", peer("192.0.2.5", 6275)],
    ["PROXY TCP4 255.255.255.255 255.255.255.255 65535 65535\r\n", peer("255.255.255.255", 65535)],
    ["PROXY TCP6 2001:DB8:0::1 ::1 0 1\r\n", peer("2001:db8::1", 0)],
    ["PROXY TCP6 ::ffff:192.0.2.5 ::1 7 1\r\n", peer("192.0.2.5", 7)],
    ["PROXY UNKNOWN\r\n", LOCAL],
    ["PROXY UNKNOWN ffff:: whatever 1\r\n", LOCAL],
  ] as const) {
    test(line.trim(), () => {
      assert.deepEqual(read(1, line), header);
      assert.deepEqual(read(1, line + BEHIND), header);
    });
  }

  for (const line of [
    "PROXY TCP4 192.0.2.5 198.51.100.1 6275\r\n",
    "PROXY TCP4 192.0.2.5 198.51.100.1 6275 1883 x\r\n",
    "PROXY TCP4 192.0.2.5 198.51.100.1 06275 1883\r\n",
    "PROXY TCP4 192.0.2.5 198.51.100.1 65536 1883\r\n",
    "PROXY TCP4 192.0.2.5 198.51.100.1 -1 1883\r\n",
    "PROXY TCP4 192.0.2.5 198.51.100.1  6275 1883\r\n",
    "PROXY TCP4 192.0.2.256 198.51.100.1 6275 1883\r\n",
    "PROXY TCP4 192.0.02.5 198.51.100.1 6275 1883\r\n",
    "PROXY TCP4 ::1 ::1 6275 1883\r\n",
    "PROXY TCP6 192.0.2.5 198.51.100.1 6275 1883\r\n",
    "PROXY TCP6 fe80::1%eth0 fe80::2 6275 1883\r\n",
    "PROXY UDP4 192.0.2.5 198.51.100.1 6275 1883\r\n",
    "PROXY tcp4 192.0.2.5 198.51.100.1 6275 1883\r\n",
    "PROXY UNKNOWNS\r\n",
    "PROXY TCP4 192.0.2.5 198.51.100.1 6275 1883\n",
    "PROXY \r\n",
  ]) {
    test(`${JSON.stringify(line)} is malformed`, () => {
      assert.equal(read(1, line), "its line is malformed");
    });
  }

  test("anything else is refused with its first wrong byte", () => {
    const fault = "it does not begin with PROXY";
    assert.equal(read(1, "\x10\x0c"), fault);
    assert.equal(read(1, "PROXX"), fault);
    assert.equal(read(1, proxyV2()), fault);
    assert.equal(read(1, "PROX"), undefined);
  });

  test("a line has 107 bytes at most", () => {
    const line = `PROXY UNKNOWN ${"x".repeat(91)}\r\n`;
    assert.equal(line.length, 107);
    assert.equal(read(1, line), LOCAL);
    assert.equal(read(1, `PROXY UNKNOWN ${"x".repeat(92)}`), undefined);
    assert.equal(read(1, `PROXY UNKNOWN ${"x".repeat(93)}`), "its line is too long");
    assert.equal(read(1, `PROXY UNKNOWN ${"x".repeat(5000)}\r\n`), "its line is too long");
  });
});

describe("version 2", () => {
  for (const [what, bytes, header] of [
    ["IPv4", proxyV2(), peer("192.0.2.5", 6275)],
    ["IPv6", proxyV2({ source: "2001:db8:0:0:0:0:0:1" }), peer("2001:db8::1", 6275)],
    ["mapped", proxyV2({ source: "0:0:0:0:0:ffff:c000:205" }), peer("192.0.2.5", 6275)],
    ["a Unix socket", proxyV2({ family: 0x31 }), peer(undefined, 0)],
    ["LOCAL", proxyV2({ command: 0x20, family: 0 }), LOCAL],
    ["LOCAL with addresses, which do not count", proxyV2({ command: 0x20 }), LOCAL],
    ["an unknown family", proxyV2({ family: 0 }), LOCAL],
    ["a checksum", withChecksum({}), peer("192.0.2.5", 6275)],
    [
      "fillers",
      proxyV2({ extensions: [extension(4, [0, 0]), extension(0xe0, [])] }),
      peer("192.0.2.5", 6275),
    ],
    [
      "TLS that the client did not use",
      proxyV2({ extensions: [tlsExtension({ client: 0 })] }),
      peer("192.0.2.5", 6275),
    ],
  ] as const) {
    test(what, () => {
      assert.deepEqual(read(2, bytes), header);
      assert.deepEqual(read(2, Buffer.concat([bytes, Buffer.from(BEHIND)])), header);
    });
  }

  test("TLS: version, cipher, and a certificate that was verified", () => {
    const fields = [
      textField(0x21, "TLSv1.3"),
      textField(0x23, "TLS_AES_256_GCM_SHA384"),
      textField(0x22, "nöde"),
      extension(0x28, [0x30, 0x82, 0xff, 0x00]),
    ];
    const bytes = proxyV2({ extensions: [tlsExtension({ fields })] });
    assert.deepEqual(read(2, bytes), {
      address: "192.0.2.5",
      port: 6275,
      tls: {
        version: "TLSv1.3",
        cipher: "TLS_AES_256_GCM_SHA384",
        certificateVerified: true,
        commonName: "nöde",
      },
    });
  });

  for (const [what, client, verify, verified] of [
    ["no certificate", 0x01, 0, false],
    ["one that did not verify", 0x07, 1, false],
    ["one when the session began", 0x05, 0, true],
    ["one on this connection", 0x03, 0, true],
  ] as const) {
    test(`TLS with ${what}`, () => {
      const header = read(2, proxyV2({ extensions: [tlsExtension({ client, verify })] }));
      assert.ok(typeof header === "object" && header !== null && "tls" in header);
      assert.equal(header.tls?.certificateVerified, verified);
    });
  }

  for (const [what, bytes, fault] of [
    ["a line of version 1", Buffer.from("PROXY UNKNOWN\r\n"), /signature/],
    ["another version", proxyV2({ command: 0x11 }), /version or command/],
    ["another command", proxyV2({ command: 0x22 }), /version or command/],
    ["datagrams", proxyV2({ family: 0x12 }), /not that of a stream/],
    [
      "addresses cut off",
      proxyV2({ family: 0, extensions: [[1, 2, 3]] }).fill(0x11, 13, 14),
      /cut off/,
    ],
    ["no addresses", proxyV2({ family: 0 }).fill(0x21, 13, 14), /cut off/],
    ["an extension cut off", proxyV2({ extensions: [[4, 0, 5, 1]] }), /extension is cut off/],
    ["half an extension", proxyV2({ extensions: [[4, 0]] }), /extension is cut off/],
    ["a wrong checksum", withChecksum({}, 1), /checksum/],
    ["a short checksum", proxyV2({ extensions: [extension(3, [0, 0])] }), /checksum/],
    ["TLS twice", proxyV2({ extensions: [tlsExtension(), tlsExtension()] }), /TLS extension/],
    ["TLS cut off", proxyV2({ extensions: [extension(0x20, [7, 0, 0])] }), /TLS extension/],
    [
      "a field of TLS that reaches beyond it",
      proxyV2({
        extensions: [
          tlsExtension({ fields: [[0x22, 0, 9, 65]] }),
          extension(4, [1, 2, 3, 4, 5, 6, 7, 8]),
        ],
      }),
      /TLS extension/,
    ],
    [
      "a name twice",
      proxyV2({
        extensions: [tlsExtension({ fields: [textField(0x22, "a"), textField(0x22, "b")] })],
      }),
      /TLS extension/,
    ],
    [
      "NUL in a name",
      proxyV2({ extensions: [tlsExtension({ fields: [textField(0x22, "a\0b")] })] }),
      /TLS extension/,
    ],
    [
      "ill-formed UTF-8 in a name",
      proxyV2({ extensions: [tlsExtension({ fields: [extension(0x22, [0xc3, 0x28])] })] }),
      /TLS extension/,
    ],
    [
      "more than is taken",
      proxyV2({ extensions: [extension(4, new Array(4096).fill(0))] }),
      /too long/,
    ],
  ] as const) {
    test(`${what}: refused`, () => {
      const result = read(2, bytes);
      assert.equal(typeof result, "string");
      assert.match(String(result), fault);
    });
  }

  test("what is too long is refused before it has come", () => {
    const bytes = proxyV2().subarray(0, 16);
    bytes.writeUInt16BE(65_535, 14);
    assert.equal(read(2, bytes), "it is too long");
  });
});

test("whatever comes, the reader ends with a header or a fault, within its bound", () => {
  const starts = fc.constantFrom(Buffer.from("PROXY "), proxyV2().subarray(0, 12), Buffer.alloc(0));
  fc.assert(
    fc.property(
      fc.constantFrom(1, 2),
      starts,
      fc.uint8Array({ maxLength: 300 }),
      (version, start, tail) => {
        read(version as 1 | 2, Buffer.concat([start, tail]));
        const full = new ProxyHeaderReader(version as 1 | 2).feed(
          Buffer.concat([start, tail, Buffer.alloc(5000)]),
        );
        assert.notEqual(full, undefined);
      },
    ),
  );
});

test("CRC-32C of the usual example", () => {
  assert.equal(crc32c(Buffer.from("123456789")), 0xe3069283);
});
