/** SCRAM-SHA-256: the exchange of RFC 7677, what breaks it, and what strangers are told. */
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { parsePasswordRecord } from "../../../src/auth/password-records.ts";
import { saslPrep } from "../../../src/auth/saslprep.ts";
import { ScramServer, strangersRecord } from "../../../src/auth/scram.ts";
import { readClientFinal, readClientFirst } from "../../../src/auth/scram-messages.ts";
import { formatScramRecord, type ScramRecord } from "../../../src/auth/scram-record.ts";
import { NODE_DIGESTS } from "../../../src/system/scram-digests.ts";
import { ScramClient, scramRecordText } from "../../kit/scram-client.ts";

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
const text = (data: Uint8Array): string => new TextDecoder().decode(data);
const NONCE = "%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0";
const CLIENT = { username: "user", password: "pencil", nonce: "rOprNGfwEbeRWgbNEkqO" } as const;

function record(password = "pencil"): ScramRecord {
  const parsed = parsePasswordRecord(scramRecordText(password));
  assert.ok(parsed.ok && parsed.record.kind === "scram-sha-256");
  return parsed.record;
}

function server(): ScramServer {
  return new ScramServer({ digests: NODE_DIGESTS, nonce: NONCE });
}

test("the example of RFC 7677 §3, byte for byte", () => {
  const exchange = server();
  const first = exchange.first(bytes("n,,n=user,r=rOprNGfwEbeRWgbNEkqO"));
  assert.deepEqual(first, { ok: true, username: "user" });
  assert.equal(
    text(exchange.challenge(record())),
    "r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096",
  );
  const final = exchange.final(
    bytes(
      "c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=",
    ),
  );
  assert.ok(final.ok);
  assert.equal(text(final.data), "v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=");
});

test("the record of that example", () => {
  assert.equal(
    formatScramRecord(record()),
    "$scram-sha-256$4096$W22ZaJ0SNY7soEsUEjb6gQ==$WG5d8oPm3OtcPnkdi4Uo7BkeZkBFzpcXkuLmtbsT4qY=$wfPLwcE6nTWhTAmQ7tl2KeoiWGPlZqQxSrmfPwDl2dU=",
  );
});

/** One exchange with the kit's client; what came of it. */
function attempt(client: ScramClient, of: ScramRecord): { ok: boolean; known: boolean } {
  const exchange = server();
  const first = exchange.first(client.first());
  assert.ok(first.ok);
  const final = exchange.final(client.final(exchange.challenge(of)));
  return { ok: final.ok, known: final.ok && client.knows(final.data) };
}

test("the right password opens, and the server proves that it knows it; a wrong one does not", () => {
  assert.deepEqual(attempt(new ScramClient(CLIENT), record()), { ok: true, known: true });
  assert.deepEqual(attempt(new ScramClient({ ...CLIENT, password: "pen" }), record()), {
    ok: false,
    known: false,
  });
});

test("a client that could bind the exchange to its channel (y) comes in, one that does (p) is refused", () => {
  assert.deepEqual(attempt(new ScramClient({ ...CLIENT, header: "y,," }), record()), {
    ok: true,
    known: true,
  });
  const binding = server().first(bytes("p=tls-exporter,,n=user,r=abc"));
  assert.ok(!binding.ok);
  assert.match(binding.why, /channel binding/);
});

test("a header that changes between the messages is refused: somebody has taken away the binding", () => {
  const exchange = server();
  const client = new ScramClient({ ...CLIENT, header: "y,," });
  assert.ok(exchange.first(client.first()).ok);
  const final = text(client.final(exchange.challenge(record())));
  const other = exchange.final(bytes(final.replace("c=eSws", "c=biws")));
  assert.deepEqual(other, { ok: false, why: "answered another exchange of SCRAM" });
});

test("acting for oneself is allowed, for somebody else is not", () => {
  assert.deepEqual(attempt(new ScramClient({ ...CLIENT, header: "n,a=user," }), record()), {
    ok: true,
    known: true,
  });
  const other = server().first(bytes("n,a=admin,n=user,r=abc"));
  assert.deepEqual(other, { ok: false, why: "wants to act for somebody else" });
});

test("names with commas and equals signs are written =2C and =3D, and nothing else", () => {
  const read = (name: string) => readClientFirst(bytes(`n,,n=${name},r=abc`))?.username;
  assert.equal(read("a=2Cb=3Dc"), "a,b=c");
  assert.equal(read("=3D2C"), "=2C");
  for (const bad of ["a=b", "a=", "a=2", "a=2c", "=00", ""]) assert.equal(read(bad), undefined);
});

test("first messages that break the grammar are refused", () => {
  const bad = [
    "",
    "n",
    "n,,",
    "n=user,r=abc",
    ",,n=user,r=abc",
    "x,,n=user,r=abc",
    "p,,n=user,r=abc",
    "n,a=,n=user,r=abc",
    "n,b=user,n=user,r=abc",
    "n,,r=abc,n=user",
    "n,,n=user",
    "n,,n=user,r=",
    "n,,n=user,r=a b",
    "n,,n=user,r=\u00e9",
    "n,,m=must,n=user,r=abc",
    "n,,n=user,r=abc,m=must",
    "n,,n=user,r=abc,",
    "n,,n=user,r=abc,x",
    "n,,n=user,r=abc,1=x",
    "n,,n=us\0er,r=abc",
    `n,,n=user,r=${"a".repeat(1025)}`,
  ];
  for (const message of bad) assert.equal(server().first(bytes(message)).ok, false, message);
  assert.equal(server().first(new Uint8Array([0x6e, 0x2c, 0x2c, 0xff])).ok, false);
  assert.ok(server().first(bytes("n,,n=user,r=abc,x=unknown,y=1")).ok, "unknown extensions pass");
});

test("a proof for another nonce, of another length, or in disorder is refused", () => {
  const proof = `p=${"A".repeat(43)}=`;
  for (const message of [
    "",
    `c=biws,r=rOprNGfwEbeRWgbNEkqO${NONCE}`,
    `c=biws,r=rOprNGfwEbeRWgbNEkqO,${proof}`,
    `c=biws,r=${NONCE},${proof}`,
    `c=biws,r=rOprNGfwEbeRWgbNEkqO${NONCE},p=AAAA`,
    `c=biws,r=rOprNGfwEbeRWgbNEkqO${NONCE},p=?${"A".repeat(42)}=`,
    `r=rOprNGfwEbeRWgbNEkqO${NONCE},c=biws,${proof}`,
    `c=biws,${proof},r=rOprNGfwEbeRWgbNEkqO${NONCE}`,
    `c=biws,r=rOprNGfwEbeRWgbNEkqO${NONCE},m=x,${proof}`,
    `c=biws,r=rOprNGfwEbeRWgbNEkqO${NONCE},${proof}`,
  ]) {
    const exchange = server();
    assert.ok(exchange.first(new ScramClient(CLIENT).first()).ok);
    exchange.challenge(record());
    assert.equal(exchange.final(bytes(message)).ok, false, message);
  }
});

test("a proof before the challenge is refused", () => {
  const message = `c=biws,r=${NONCE},p=${"A".repeat(43)}=`;
  assert.equal(server().final(bytes(message)).ok, false);
});

test("any bytes are read without a throw", () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), (data) => {
      readClientFirst(data);
      readClientFinal(data);
    }),
  );
  fc.assert(
    fc.property(fc.string({ unit: "grapheme", maxLength: 60 }), (name) => {
      const read = readClientFirst(
        bytes(`n,,n=${name.replaceAll("=", "=3D").replaceAll(",", "=2C")},r=abc`),
      );
      // NUL has no place in a name, and an empty one is none.
      if (name !== "" && !name.includes("\0") && name.isWellFormed()) {
        assert.equal(read?.username, name);
      }
    }),
  );
});

test("strangers get the same salt each time, each one another, of the length of others", () => {
  const secret = bytes("nobody knows this");
  const like = { iterations: 8192, saltLength: 40 };
  const make = (name: string, key = secret) => strangersRecord(name, like, key, NODE_DIGESTS);
  assert.deepEqual(make("eve"), make("eve"));
  assert.notDeepEqual(make("eve").salt, make("mallory").salt);
  assert.notDeepEqual(make("eve").salt, make("eve", bytes("another secret")).salt);
  assert.equal(make("eve").salt.length, 40);
  assert.equal(make("eve").iterations, 8192);
  assert.equal(new Set(make("eve").salt).size > 20, true);
});

test("records in password files: what is wrong is said", () => {
  const good = scramRecordText("pencil");
  assert.ok(parsePasswordRecord(good).ok);
  const cases: readonly (readonly [string, RegExp])[] = [
    [good.replace("4096", "4095"), /needs 4096 to 10000000 iterations/],
    [good.replace("4096", "99999999"), /iterations/],
    [good.replace("4096", () => "4096$"), /must be \$scram-sha-256\$iterations/],
    [good.replace(/W22[^$]*/, "!!"), /salt that is not base64/],
    [good.replace(/W22[^$]*/, ""), /salt that is not base64/],
    [good.replace(/.{4}$/, ""), /key that is not 32 bytes/],
    ["$scram-sha-256$4096$AAAA", /must be/],
  ];
  for (const [line, expected] of cases) {
    const parsed = parsePasswordRecord(line);
    assert.ok(!parsed.ok, line);
    assert.match(parsed.problem, expected);
  }
});

test("SASLprep: the examples of RFC 4013 §3, and what may not be in a name", () => {
  assert.equal(saslPrep("I\u00adX"), "IX");
  assert.equal(saslPrep("user"), "user");
  assert.equal(saslPrep("USER"), "USER");
  assert.equal(saslPrep("\u00aa"), "a");
  assert.equal(saslPrep("\u2168"), "IX");
  assert.equal(saslPrep("a\u00a0b"), "a b");
  assert.equal(saslPrep("e\u0301"), "\u00e9");
  for (const bad of ["\u0007", "", "\u00ad", "a\ue000", "a\u202eb", "a\u{e0041}", "\ufffe"]) {
    assert.equal(saslPrep(bad), undefined, JSON.stringify(bad));
  }
});
