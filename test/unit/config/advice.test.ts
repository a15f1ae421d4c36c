/** What `midge check` advises, and what it says of the files that are named. */
import assert from "node:assert/strict";
import { chmodSync } from "node:fs";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { ConfigError, formatProblem } from "../../../src/config/config-error.ts";
import { loadConfig } from "../../../src/config/load.ts";
import { writeFiles } from "../../kit/config-file.ts";

type Files = Readonly<Record<string, string>>;

function look(
  t: TestContext,
  content: string,
  files: Files = {},
  modes: Readonly<Record<string, number>> = {},
) {
  const folder = writeFiles(t, { "midge.toml": content, ...files });
  for (const [name, mode] of Object.entries(modes)) chmodSync(join(folder, name), mode);
  const before = process.cwd();
  process.chdir(folder);
  try {
    return loadConfig({ file: "midge.toml", files: "first" }).advice.map(formatProblem);
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    return error.problems.map(formatProblem);
  } finally {
    process.chdir(before);
  }
}

const PASSWORDS = { p: "", a: "" };
const OPEN = '[[listener]]\naddress = ""\n';
const USERS = '[access]\npassword_file = "p"\nacl_file = "a"\n';
const CLEAR = "passwords and messages travel in the clear: use TLS";
const EVERYTHING = "whoever reaches this machine may publish and read everything";

/** What the file says, and the advice without the file's name. */
const ADVICE: readonly (readonly [string, string, ...string[]])[] = [
  ["the defaults", ""],
  ["users with rules on this machine only", USERS],
  [
    "anonymous clients from anywhere",
    `${OPEN}allow_anonymous = true`,
    `3: listener[0].allow_anonymous: ${EVERYTHING}`,
  ],
  [
    "anonymous clients from anywhere, with rules",
    `${USERS}${OPEN}allow_anonymous = true`,
    `4: listener[0].certfile: ${CLEAR}`,
  ],
  ["passwords without TLS", `${USERS}${OPEN}`, `4: listener[0].certfile: ${CLEAR}`],
  [
    "users without rules",
    '[access]\npassword_file = "p"\n[[listener]]',
    "3: listener[0].acl_file: every user may publish and read everything: there are no access rules",
  ],
  [
    "the PROXY protocol for everybody",
    `${USERS}${OPEN}enable_proxy_protocol = 1`,
    "6: listener[0].enable_proxy_protocol: whoever reaches this port may claim any address: let only the proxy reach it",
  ],
  [
    "web pages of anywhere",
    '[[listener]]\nprotocol = "websockets"',
    "1: listener[0].websockets_origin: any web page that someone here opens may connect: name the sites that may",
  ],
  [
    "a Unix socket for every user",
    '[[listener]]\npath = "/run/x"\nunix_mode = "0666"',
    "3: listener[0].unix_mode: every user of this machine may connect without a password",
  ],
  [
    "users in two places",
    `${USERS}dynamic_security = true\n[[listener]]`,
    "5: listener[0].password_file: users are kept in two places: in this file and in dynamic security",
  ],
  [
    "guessing at full speed",
    `${USERS}max_login_failures = 0\n${OPEN}certfile = "a"\nkeyfile = "p"`,
    "5: listener[0].password_file: passwords can be guessed at full speed: max_login_failures is 0",
  ],
  [
    "queues without a limit",
    "[broker]\nmax_queued_messages = 0",
    "2: broker.max_queued_messages: one client that stays away can fill the memory: limit max_queued_messages or max_queued_bytes",
  ],
  [
    "the page for everybody",
    '[http]\naddress = ""\nallow_anonymous = true',
    `3: http.allow_anonymous: ${EVERYTHING}`,
  ],
];

for (const [title, content, ...expected] of ADVICE) {
  test(`${title}: ${expected.length === 0 ? "nothing to advise" : "worth advice"}`, (t) => {
    const modes = { p: 0o600 };
    assert.deepEqual(
      look(t, content, PASSWORDS, modes),
      expected.map((line) => `midge.toml:${line}`),
    );
  });
}

test("files that cannot be read are told with the line that names them", (t) => {
  const content = `[access]
password_file = "none"
acl_file = "folder"
[[listener]]
capath = "file"
certfile = "file"
keyfile = "none/none"
`;
  assert.deepEqual(look(t, content, { file: "", "folder/x": "" }), [
    'midge.toml:2: access.password_file: "none": no such file',
    'midge.toml:3: access.acl_file: "folder" is a folder, not a file',
    'midge.toml:5: listener[0].capath: "file" is a file, not a folder',
    'midge.toml:7: listener[0].keyfile: "none/none": no such file',
  ]);
});

test("secrets that every user of the machine may read are worth advice", (t) => {
  const content = '[access]\npassword_file = "p"\nacl_file = "a"';
  assert.deepEqual(look(t, content, PASSWORDS, { p: 0o644, a: 0o644 }), [
    'midge.toml:2: access.password_file: "p" may be read by every user of this machine: chmod 0600 it',
  ]);
});
