/** `midge passwd` beside mosquitto_passwd, and what Mosquitto makes of its files. */
import assert from "node:assert/strict";
import {
  chmodSync,
  existsSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { parsePasswordFile } from "../../src/auth/password-file.ts";
import { encodeUtf8 } from "../../src/bytes/utf8.ts";
import { ThreadPoolHasher } from "../../src/system/password-hasher.ts";
import { runToEnd, startMosquitto, temporaryFolder } from "../kit/processes.ts";

const MAIN = join(import.meta.dirname, "../../src/main.ts");

function passwd(t: TestContext, words: readonly string[], input?: string) {
  return runToEnd(t, process.execPath, [MAIN, "passwd", ...words], input);
}

/** Whether the file has this password for the user. */
async function has(file: string, username: string, password: string): Promise<boolean> {
  const { users, problems } = parsePasswordFile(file, readFileSync(file, "utf8"));
  assert.deepEqual(problems, []);
  const entry = users.get(username);
  if (entry === undefined) return false;
  const verdict = await new Promise((resolve) =>
    new ThreadPoolHasher().verify(entry.record, encodeUtf8(password), resolve),
  );
  return verdict === "right";
}

test("files made by mosquitto_passwd are understood, and changed by both in turn", async (t) => {
  const file = join(temporaryFolder(t), "pw");
  for (const words of [
    ["-c", "-b", file, "ann", "one"],
    ["-b", "-H", "sha512", file, "bob", "two"],
  ]) {
    assert.equal((await runToEnd(t, "mosquitto_passwd", words)).code, 0);
  }
  assert.equal(await has(file, "ann", "one"), true);
  assert.equal(await has(file, "bob", "two"), true);
  assert.equal((await passwd(t, ["-b", file, "ann", "new"])).code, 0);
  assert.equal((await passwd(t, ["-b", "-H", "sha512", file, "cat", "three"])).code, 0);
  assert.equal((await runToEnd(t, "mosquitto_passwd", ["-b", file, "bob", "four"])).code, 0);
  assert.equal(await has(file, "ann", "new"), true);
  assert.equal(await has(file, "bob", "four"), true);
  assert.equal(await has(file, "cat", "three"), true);
});

test("Mosquitto lets in those whom midge passwd has written, by the right password alone", async (t) => {
  const file = join(temporaryFolder(t), "pw");
  await passwd(t, ["-c", "-b", file, "ann", "one"]);
  await passwd(t, ["-b", "-H", "sha512", file, "bob", "zwei ü"]);
  chmodSync(file, 0o644);
  const { port } = await startMosquitto(t, { more: `user root\npassword_file ${file}` });
  const publish = async (username: string, password: string): Promise<number | string> => {
    const words = ["-h", "127.0.0.1", "-p", String(port), "-t", "t", "-m", "m"];
    return (await runToEnd(t, "mosquitto_pub", [...words, "-u", username, "-P", password])).code;
  };
  assert.equal(await publish("ann", "one"), 0);
  assert.equal(await publish("bob", "zwei ü"), 0);
  assert.equal(await publish("ann", "two"), 5);
});

test("each kind of hash can be asked for, and the password be typed or piped", async (t) => {
  const file = join(temporaryFolder(t), "pw");
  assert.equal((await passwd(t, ["-c", file, "sha512-pbkdf2"], "secret\nsecret\n")).code, 0);
  for (const kind of ["argon2id", "sha512", "scram-sha-256"]) {
    assert.equal((await passwd(t, ["-H", kind, file, kind], "secret\nsecret\n")).code, 0);
  }
  for (const kind of ["sha512-pbkdf2", "argon2id", "sha512", "scram-sha-256"]) {
    assert.equal(await has(file, kind, "secret"), true, kind);
    assert.equal(await has(file, kind, "other"), false, kind);
  }
  assert.equal((await passwd(t, ["-b", "-I", "77", file, "few", "x"])).code, 0);
  assert.match(readFileSync(file, "utf8"), /\nfew:\$7\$77\$/);
});

test("comments, order, permissions and links stay; a new file is for its owner alone", async (t) => {
  const folder = temporaryFolder(t);
  const file = join(folder, "pw");
  await passwd(t, ["-c", "-b", file, "ann", "one"]);
  assert.equal(statSync(file).mode & 0o777, 0o600);
  const [line] = readFileSync(file, "utf8").split("\n");
  writeFileSync(file, `# first\n${line}\n# second\nbob:${line?.slice(4)}\n\nno colon\n`);
  chmodSync(file, 0o640);
  const alias = join(folder, "alias");
  symlinkSync(file, alias);
  assert.equal((await passwd(t, ["-b", alias, "ann", "two"])).code, 0);
  assert.equal((await passwd(t, ["-D", alias, "bob"])).code, 0);
  assert.equal(readlinkSync(alias), file);
  assert.equal(statSync(file).mode & 0o777, 0o640);
  assert.match(readFileSync(file, "utf8"), /^# first\nann:\$7.*\n# second\n\nno colon\n$/);
  assert.equal(await has(file, "ann", "two"), true);
  assert.deepEqual(readdirSync(folder).sort(), ["alias", "pw"]);
});

test("-U hashes what is not hashed yet, and again changes nothing", async (t) => {
  const file = join(temporaryFolder(t), "pw");
  writeFileSync(file, "# users\nann:plain:word\nbob:other\n");
  assert.equal((await passwd(t, ["-U", file])).code, 0);
  const once = readFileSync(file, "utf8");
  assert.equal(await has(file, "ann", "plain:word"), true);
  assert.equal(await has(file, "bob", "other"), true);
  assert.equal((await passwd(t, ["-U", file])).code, 0);
  assert.equal(readFileSync(file, "utf8"), once);
});

test("mistakes are one line on standard error, and leave the file as it is", async (t) => {
  const folder = temporaryFolder(t);
  const file = join(folder, "pw");
  await passwd(t, ["-c", "-b", file, "ann", "one"]);
  const before = readFileSync(file, "utf8");
  const broken = join(folder, "broken");
  writeFileSync(broken, "ann\n");
  const cases: readonly [readonly string[], RegExp, string?][] = [
    [[file], /user name is needed/],
    [["-b", file, "ann"], /password is to be given/],
    [[file, "ann", "x"], /only with -b/],
    [["-b", file, "a:b", "x"], /no ':'/],
    [["-b", file, "a\nb", "x"], /control characters/],
    [["-b", file, "", "x"], /empty/],
    [["-b", file, "ann", ""], /empty/],
    [["-c", "-D", file, "ann"], /Only one of/],
    [["-D", file, "nobody"], /not found/],
    [["-D", "-b", file, "ann"], /-D takes/],
    [["-b", join(folder, "none"), "ann", "x"], /no such file/],
    [["-b", join(folder, "none", "pw"), "-c", "ann", "x"], /none/],
    [["-b", folder, "ann", "x"], /no file/],
    [["-H", "md5", "-b", file, "ann", "x"], /sha512/],
    [["-I", "0", "-b", file, "ann", "x"], /whole number/],
    [["-U", broken], /broken:1: there is no ":"/],
    [[file, "ann"], /do not match/, "one\ntwo\n"],
    [[file, "ann"], /No password/, ""],
  ];
  const checks = cases.map(async ([words, problem, input]) => {
    const { code, errors } = await passwd(t, words, input ?? "");
    assert.equal(code, 1, words.join(" "));
    assert.match(errors, problem, words.join(" "));
    assert.doesNotMatch(errors, /\n {4}at /);
  });
  await Promise.all(checks);
  assert.equal(readFileSync(file, "utf8"), before);
  assert.equal(existsSync(join(folder, "none")), false);
});
