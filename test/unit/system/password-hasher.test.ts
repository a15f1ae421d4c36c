/** Hashing on the thread pool: as others compute it, bounded, and never within the call. */
import assert from "node:assert/strict";
import { test } from "node:test";
import type { HashRecipe, PasswordVerdict } from "../../../src/auth/password-hasher.ts";
import {
  formatPasswordRecord,
  type PasswordRecord,
  parsePasswordRecord,
} from "../../../src/auth/password-records.ts";
import { encodeUtf8 } from "../../../src/bytes/utf8.ts";
import { ThreadPoolHasher } from "../../../src/system/password-hasher.ts";

function record(text: string): PasswordRecord {
  const parsed = parsePasswordRecord(text);
  assert.ok(parsed.ok, text);
  return parsed.record;
}

function verify(
  hasher: ThreadPoolHasher,
  of: PasswordRecord,
  password: string,
): Promise<PasswordVerdict> {
  return new Promise((resolve) => hasher.verify(of, encodeUtf8(password), resolve));
}

test("records made by mosquitto_passwd and by the reference program of argon2 are understood", async () => {
  const hasher = new ThreadPoolHasher();
  const known: readonly [string, string][] = [
    [
      "secret",
      "$7$101$HK0l1jCGv5+KP8if$RHXyvKybdSEo6++YvX/2ND4vNdwlgW9An6nhD+GecU0Z+rCi413f1xwy9I79h0tArKiAvFqFoYkTdG3Z2tRS/g==",
    ],
    [
      "secret2",
      "$6$UVf2FL2EDtx/lfsN$cUNquehDEQb74MO32Izug2cVU3RdkpbXKiwOQLw72DPox1qKOCADFtFuA9bZQgprRwLrpGYGu/y41Tmn+gAHuA==",
    ],
    [
      "password",
      "$argon2id$v=19$m=65536,t=2,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc",
    ],
  ];
  for (const [password, text] of known) {
    assert.equal(await verify(hasher, record(text), password), "right", text);
    assert.equal(await verify(hasher, record(text), `${password}x`), "wrong", text);
    assert.equal(await verify(hasher, record(text), ""), "wrong", text);
  }
});

test("new records fit the password, after being written and read, and no two are alike", async () => {
  const hasher = new ThreadPoolHasher();
  const recipes: readonly HashRecipe[] = [
    { kind: "sha512" },
    { kind: "sha512-pbkdf2", iterations: 10 },
    { kind: "argon2id", memory: 64, passes: 1, parallelism: 1 },
    { kind: "scram-sha-256", iterations: 4096 },
  ];
  const make = (recipe: HashRecipe): Promise<string> =>
    new Promise((resolve) =>
      hasher.hash(recipe, encodeUtf8("pä\0ss"), (made) =>
        resolve(made === undefined ? "busy" : formatPasswordRecord(made)),
      ),
    );
  for (const recipe of recipes) {
    const [one, other] = await Promise.all([make(recipe), make(recipe)]);
    assert.notEqual(one, other);
    assert.equal(await verify(hasher, record(one as string), "pä\0ss"), "right", recipe.kind);
    assert.equal(await verify(hasher, record(one as string), "pä"), "wrong", recipe.kind);
  }
});

test("what does not fit into the queue is told to be too much, later", async () => {
  const hasher = new ThreadPoolHasher({ concurrency: 1, waiting: 2 });
  const text =
    "$7$101$HK0l1jCGv5+KP8if$RHXyvKybdSEo6++YvX/2ND4vNdwlgW9An6nhD+GecU0Z+rCi413f1xwy9I79h0tArKiAvFqFoYkTdG3Z2tRS/g==";
  let within = true;
  const verdicts = Array.from({ length: 5 }, () =>
    verify(hasher, record(text), "secret").then((verdict) => {
      assert.equal(within, false);
      return verdict;
    }),
  );
  within = false;
  assert.deepEqual(await Promise.all(verdicts), ["right", "right", "right", "busy", "busy"]);
  assert.equal(await verify(hasher, record(text), "secret"), "right");
});

test("the password may be overwritten after the call", async () => {
  const hasher = new ThreadPoolHasher();
  const text =
    "$7$101$HK0l1jCGv5+KP8if$RHXyvKybdSEo6++YvX/2ND4vNdwlgW9An6nhD+GecU0Z+rCi413f1xwy9I79h0tArKiAvFqFoYkTdG3Z2tRS/g==";
  const password = encodeUtf8("secret");
  const verdict = new Promise((resolve) => hasher.verify(record(text), password, resolve));
  password.fill(0);
  assert.equal(await verdict, "right");
});
