/** ACL files: what they allow, in Mosquitto's order, and what is wrong in them. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { parseAclFile } from "../../../src/auth/acl-rules.ts";
import { formatFileProblem } from "../../../src/auth/file-problem.ts";
import { TopicRules } from "../../../src/auth/topic-rules.ts";

interface Who {
  readonly username?: string;
  readonly clientId?: string;
}

/** "rw", "r", "w" or "" for what the file allows on the topic. */
function access(text: string, { username, clientId = "id" }: Who, topic: string): string {
  const { rules, problems } = parseAclFile("acl", text);
  assert.deepEqual(problems, []);
  const may = (wanted: "read" | "write"): boolean | undefined =>
    new TopicRules(rules.rulesOf({ clientId, username }, wanted)).decide(topic);
  return `${may("read") ? "r" : ""}${may("write") ? "w" : ""}`;
}

const FILE = `# for those without a name
topic read news/#
topic $SYS/broker/uptime

user ann
topic readwrite a/#
topic deny a/secret/#
topic write a/secret/allowed
topic with spaces? no
`.replace("topic with spaces? no\n", "topic readwrite with spaces/x\n");

test("each user has his own section, and those without a name the first", () => {
  assert.equal(access(FILE, {}, "news/today"), "r");
  assert.equal(access(FILE, {}, "$SYS/broker/uptime"), "rw");
  assert.equal(access(FILE, {}, "a/b"), "");
  assert.equal(access(FILE, { username: "ann" }, "a/b"), "rw");
  assert.equal(access(FILE, { username: "ann" }, "with spaces/x"), "rw");
  assert.equal(access(FILE, { username: "ann" }, "news/today"), "");
  assert.equal(access(FILE, { username: "bob" }, "a/b"), "");
});

test("a denial wins over what the user is given, wherever it stands", () => {
  assert.equal(access(FILE, { username: "ann" }, "a/secret/x"), "");
  assert.equal(access(FILE, { username: "ann" }, "a/secret/allowed"), "");
});

test("what a user is given wins over the denials of patterns, as in Mosquitto", () => {
  const text = "pattern deny a/%u/#\npattern readwrite a/+/b\nuser ann\ntopic read a/ann/b\n";
  assert.equal(access(text, { username: "ann" }, "a/ann/b"), "r");
  assert.equal(access(text, { username: "bob" }, "a/bob/b"), "");
  assert.equal(access(text, { username: "bob" }, "a/x/b"), "rw");
});

test("an empty file denies everything", () => {
  for (const text of ["", "\n\n", "# nothing\n", "user ann\n"]) {
    assert.equal(access(text, { username: "ann" }, "a"), "", JSON.stringify(text));
    assert.equal(access(text, {}, "a"), "");
  }
});

test("wildcards of rules do not reach topics that begin with $", () => {
  assert.equal(access("topic #", {}, "$SYS/x"), "");
  assert.equal(access("topic $SYS/#", {}, "$SYS/x"), "rw");
  assert.equal(access("topic +/x", {}, "$SYS/x"), "");
});

test("%c and %u stand for whole levels", () => {
  const text = "pattern read c/%c/#\npattern write u/%u\npattern x%c/%cx\n";
  const ann = { username: "ann", clientId: "box" };
  assert.equal(access(text, ann, "c/box/1"), "r");
  assert.equal(access(text, ann, "c/other/1"), "");
  assert.equal(access(text, ann, "u/ann"), "w");
  assert.equal(access(text, ann, "xbox/boxx"), "");
  assert.equal(access(text, ann, "x%c/%cx"), "rw");
});

test("patterns with %u do not hold for those without a name, nor for an empty one", () => {
  assert.equal(access("pattern u/%u/#", {}, "u//x"), "");
  assert.equal(access("pattern u/%u/#", { username: "" }, "u//x"), "");
  assert.equal(access("pattern u/%u/#", {}, "u/%u/x"), "");
});

test("names with wildcards give nothing by patterns, not even other patterns (CVE-2017-7650)", () => {
  const text = "pattern c/%c/#\npattern all/#\nuser a+\ntopic own/#\n";
  for (const who of [{ clientId: "#" }, { clientId: "+" }, { username: "x#", clientId: "id" }]) {
    assert.equal(access(text, who, "c/box/1"), "", JSON.stringify(who));
    assert.equal(access(text, who, "all/x"), "", JSON.stringify(who));
  }
  assert.equal(access(text, { username: "a+", clientId: "id" }, "own/x"), "rw");
});

test("a name with / does not open the places of others, and does not escape a denial", () => {
  const text = "pattern c/%c/#\npattern deny d/%c\npattern d/#\n";
  assert.equal(access(text, { clientId: "a/b" }, "c/a/b/x"), "");
  assert.equal(access(text, { clientId: "a/b" }, "d/a/b"), "");
  assert.equal(access(text, { clientId: "a/b" }, "d/c"), "rw");
});

test("a name that begins with $ does not reach $ topics", () => {
  assert.equal(access("pattern %c/#", { clientId: "$SYS" }, "$SYS/x"), "");
  assert.equal(access("pattern %u/#", { username: "$CONTROL" }, "$CONTROL/x"), "");
  assert.equal(access("pattern %c/#", { clientId: "box" }, "box/x"), "rw");
});

test("a user may be named more than once, and with spaces", () => {
  const text = "user ann lee\ntopic a\nuser bob\ntopic b\nuser ann lee\ntopic c\n";
  assert.equal(access(text, { username: "ann lee" }, "a"), "rw");
  assert.equal(access(text, { username: "ann lee" }, "c"), "rw");
  assert.equal(access(text, { username: "ann lee" }, "b"), "");
});

test("blanks at the end of lines, carriage returns and leading spaces mean nothing", () => {
  const text = "  user  ann \r\n  topic   read   a b \t\r\ntopic c\r\n";
  assert.equal(access(text, { username: "ann" }, "a b"), "r");
  assert.equal(access(text, { username: "ann" }, "c"), "rw");
});

test("mistakes are told with their lines", () => {
  const text = `topic
user
user \t
topic readd a
topic read a/#/b
topic a+
 # comment
pattern
subscribe a
topic read ${"a/".repeat(201)}a
topic write ok
`;
  const { problems } = parseAclFile("/etc/acl", text);
  assert.deepEqual(problems.map(formatFileProblem), [
    '/etc/acl:1: the topic after "topic" is missing',
    "/etc/acl:2: the user name is missing",
    "/etc/acl:3: the user name is missing",
    '/etc/acl:4: "readd" is no kind of access; there are read, write, readwrite and deny, and a topic with spaces needs one of them before it',
    '/etc/acl:5: "a/#/b" is no topic filter: + and # stand for whole levels',
    '/etc/acl:6: "a+" is no topic filter: + and # stand for whole levels',
    '/etc/acl:7: " # comment" begins neither with user, topic nor pattern; a comment must begin the line',
    '/etc/acl:8: the topic after "pattern" is missing',
    '/etc/acl:9: "subscribe a" begins neither with user, topic nor pattern',
    `/etc/acl:10: "${"a/".repeat(28)}a..." is no topic filter: + and # stand for whole levels`,
  ]);
});

test("lines that hardly say what was meant are warned of", () => {
  const text = "topic read\ntopic read\ta\npattern a/x%c\npattern a/b\npattern a/%c\n";
  const { problems, warnings } = parseAclFile("acl", text);
  assert.deepEqual(problems, []);
  assert.deepEqual(
    warnings.map(({ line }) => line),
    [1, 2, 3, 4],
  );
});
