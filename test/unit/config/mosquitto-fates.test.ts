/** What becomes of every option of mosquitto.conf(5): taken over, worth a warning, or refused with its line. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { describe, test } from "node:test";
import { ConfigError, formatProblem } from "../../../src/config/config-error.ts";
import { loadConfig } from "../../../src/config/load.ts";
import { MOSQUITTO_OPTIONS } from "../../../src/config/mosquitto-options.ts";
import { writeFiles } from "../../kit/config-file.ts";

/** What stands before an option, by where it belongs. */
const BEFORE = {
  anywhere: "",
  listener: "listener 1883\nallow_anonymous true\n",
  bridge: "connection c\naddress h\ntopic a\n",
} as const;
type Where = keyof typeof BEFORE;

/** Those that Midge has no use for, with the words that go with them: a warning, and it starts. */
const IGNORED: readonly (readonly [option: string, value: string, where: Where])[] = [
  ["autosave_interval", "1800", "anywhere"],
  ["autosave_on_changes", "true", "anywhere"],
  ["bridge_mptcp", "true", "bridge"],
  ["bridge_tcp_user_timeout", "5000", "bridge"],
  ["dhparamfile", "/dh.pem", "anywhere"],
  ["local_password", "x", "bridge"],
  ["mptcp", "true", "listener"],
  ["packet_buffer_size", "4096", "anywhere"],
  ["persistence_file", "mosquitto.db", "anywhere"],
  ["retry_interval", "20", "anywhere"],
  ["set_tcp_nodelay", "false", "anywhere"],
  ["websockets_log_level", "7", "anywhere"],
];

/** Those that something would be missed of: an error, unless they say what is so anyway. */
const REFUSED: readonly (readonly [option: string, value: string, where: Where])[] = [
  ["bridge_require_ocsp", "true", "bridge"],
  ["tls_engine", "tpm2", "listener"],
  ["tls_engine_kpass_sha1", "00", "listener"],
  ["tls_keyform", "engine", "listener"],
];

describe("every option has its fate", () => {
  const known = new Set([...IGNORED, ...REFUSED].map(([option]) => option));
  for (const [option, { meaning }] of Object.entries(MOSQUITTO_OPTIONS)) {
    const fate = meaning.kind === "ignored" || meaning.kind === "refused" ? "listed" : "honoured";
    test(`${option}: ${fate}`, () => assert.equal(known.has(option), fate === "listed"));
  }
});

function lineOf(where: Where): number {
  return BEFORE[where].split("\n").length;
}

describe("what has no effect is a warning with its line, and Midge starts", () => {
  for (const [option, value, where] of IGNORED) {
    test(`${option} ${value}`, (t) => {
      const text = `${BEFORE[where]}${option} ${value}\n`;
      const file = join(writeFiles(t, { "mosquitto.conf": text }), "mosquitto.conf");
      const { warnings } = loadConfig({ file });
      const told = warnings.filter(({ key }) => key === option).map(formatProblem);
      assert.equal(told.length, 1);
      assert.ok(
        told[0]?.startsWith(`${file}:${lineOf(where)}: ${option}: has no effect: `),
        told[0],
      );
    });
  }
});

describe("what would be missed is an error with its line", () => {
  for (const [option, value, where] of REFUSED) {
    test(`${option} ${value}`, (t) => {
      const text = `${BEFORE[where]}${option} ${value}\n`;
      const file = join(writeFiles(t, { "mosquitto.conf": text }), "mosquitto.conf");
      assert.throws(
        () => loadConfig({ file }),
        (error) => {
          assert.ok(error instanceof ConfigError);
          const told = error.problems.map(formatProblem);
          assert.equal(told.length, 1, told.join("\n"));
          assert.ok(told[0]?.startsWith(`${file}:${lineOf(where)}: ${option}: `), told[0]);
          return true;
        },
      );
    });
  }
});

/** Options that say what Midge does anyway. */
const SILENT: readonly (readonly [line: string, where: Where])[] = [
  ["bridge_insecure false", "bridge"],
  ["bridge_max_packet_size 0", "bridge"],
  ["bridge_mptcp false", "bridge"],
  ["bridge_outgoing_retain true", "bridge"],
  ["bridge_require_ocsp false", "bridge"],
  ["bridge_tls_use_os_certs false", "bridge"],
  ["mptcp false", "listener"],
  ["set_tcp_nodelay true", "anywhere"],
  ["tls_keyform pem", "listener"],
];

describe("what is so anyway goes without a word", () => {
  for (const [line, where] of SILENT) {
    test(line, (t) => {
      const text = `${BEFORE[where]}${line}\n`;
      const file = join(writeFiles(t, { "mosquitto.conf": text }), "mosquitto.conf");
      assert.deepEqual(loadConfig({ file }).warnings, []);
    });
  }
});
