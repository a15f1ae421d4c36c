/** Password records: reading, writing, and what is refused. */
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { parsePasswordFile } from "../../../src/auth/password-file.ts";
import {
  decoyOf,
  equalInConstantTime,
  formatPasswordRecord,
  parsePasswordRecord,
} from "../../../src/auth/password-records.ts";
import { decodeBase64, encodeBase64 } from "../../../src/bytes/base64.ts";

const SALT = "HK0l1jCGv5+KP8if";
const HASH =
  "RHXyvKybdSEo6++YvX/2ND4vNdwlgW9An6nhD+GecU0Z+rCi413f1xwy9I79h0tArKiAvFqFoYkTdG3Z2tRS/g==";
const ARGON2 =
  "$argon2id$v=19$m=65536,t=2,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc";

test("base64 is what Node makes it, with and without padding", () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 70 }), (bytes) => {
      const expected = Buffer.from(bytes).toString("base64");
      assert.equal(encodeBase64(bytes), expected);
      assert.equal(encodeBase64(bytes, false), expected.replace(/=+$/, ""));
      assert.deepEqual(decodeBase64(expected), bytes);
      assert.deepEqual(decodeBase64(encodeBase64(bytes, false)), bytes);
    }),
  );
});

test("what is no base64 is refused", () => {
  for (const text of ["A", "AAAAA", "A=", "AA=", "AAA==", "AA A", "AA\n=", "=", "é", "-_-_"]) {
    assert.equal(decodeBase64(text), undefined, text);
  }
});

test("records are written as they were read", () => {
  for (const text of [`$6$${SALT}$${HASH}`, `$7$101$${SALT}$${HASH}`, ARGON2]) {
    const parsed = parsePasswordRecord(text);
    assert.ok(parsed.ok, text);
    assert.equal(formatPasswordRecord(parsed.record), text);
  }
});

test("broken records are refused, each with a reason", () => {
  const cases: readonly [string, RegExp][] = [
    ["", /does not begin with \$/],
    ["plain", /does not begin with \$/],
    ["$5$x$y", /unknown kind "5"/],
    ["$6$", /must be \$6\$/],
    [`$6$${SALT}$${HASH}$more`, /must be \$6\$/],
    [`$6$${SALT}!$${HASH}`, /salt/],
    [`$6$$${HASH}`, /salt/],
    [`$6$${SALT}$${HASH.slice(4)}`, /64 bytes/],
    [`$7$0$${SALT}$${HASH}`, /iterations/],
    [`$7$-1$${SALT}$${HASH}`, /iterations/],
    [`$7$1e3$${SALT}$${HASH}`, /iterations/],
    [`$7$99999999999$${SALT}$${HASH}`, /iterations/],
    [`$7$101$${SALT}`, /must be \$7\$/],
    [ARGON2.replace("v=19", "v=16"), /v=19/],
    [ARGON2.replace("m=65536", "m=4294967295"), /needs m/],
    [ARGON2.replace("m=65536", "m=7"), /needs m/],
    [ARGON2.replace("t=2", "t=0"), /needs m/],
    [ARGON2.replace("p=1", "p=0"), /needs m/],
    [ARGON2.replace("c29tZXNhbHQ", "c29t"), /salt/],
    [`$scram-sha-256$1$${SALT}$x$y`, /iterations/],
  ];
  for (const [text, reason] of cases) {
    const parsed = parsePasswordRecord(text);
    assert.ok(!parsed.ok && reason.test(parsed.problem), `${text}: ${JSON.stringify(parsed)}`);
  }
});

test("any text is a record or a reason, never a throw", () => {
  const piece = fc.constantFrom("$", "6", "7", "argon2id", "v=19", "m=8,t=1,p=1", SALT, HASH, "a");
  fc.assert(
    fc.property(fc.array(fc.oneof(piece, fc.string()), { maxLength: 10 }), (pieces) => {
      const parsed = parsePasswordRecord(pieces.join(""));
      if (parsed.ok) assert.equal(typeof formatPasswordRecord(parsed.record), "string");
    }),
  );
});

test("digests are compared whole", () => {
  const bytes = Uint8Array.of(1, 2, 3);
  assert.equal(equalInConstantTime(bytes, Uint8Array.of(1, 2, 3)), true);
  for (const other of [Uint8Array.of(1, 2, 4), Uint8Array.of(1, 2), Uint8Array.of(1, 2, 3, 0)]) {
    assert.equal(equalInConstantTime(bytes, other), false);
    assert.equal(equalInConstantTime(other, bytes), false);
  }
});

test("a decoy costs what the record costs", () => {
  const parsed = parsePasswordRecord(`$7$101$${SALT}$${HASH}`);
  assert.ok(parsed.ok);
  const decoy = decoyOf(parsed.record);
  assert.ok(decoy.kind === "sha512-pbkdf2" && decoy.iterations === 101);
});

test("a password file: comments and lines without a colon say nothing", () => {
  const record = `$6$${SALT}$${HASH}`;
  const text = `\ufeff# users:\n\nno colon here\nann:${record}\r\n bob : ${record} \n`;
  const { users, problems } = parsePasswordFile("f", text);
  assert.deepEqual(problems, []);
  assert.deepEqual([...users.keys()], ["ann", "bob"]);
  assert.equal(users.get("bob")?.text, record);
});

test("mistakes in a password file are told with their lines", () => {
  const record = `$6$${SALT}$${HASH}`;
  const text = `ann:${record}\n:${record}\nbob:\nbob:secret\nann:${record}\n${"x".repeat(65536)}:${record}\n`;
  const { problems } = parsePasswordFile("pw", text);
  assert.deepEqual(
    problems.map(({ file, line }) => `${file}:${line}`),
    ["pw:2", "pw:3", "pw:4", "pw:5", "pw:6"],
  );
  assert.match(problems[2]?.text ?? "", /midge passwd -U/);
  assert.doesNotMatch(problems.map(({ text }) => text).join(), /secret/);
});
