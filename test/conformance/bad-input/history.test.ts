/**
 * What has brought down, leaked from or opened other brokers, and the test that guards Midge against
 * each: a table, checked so far that the files and the words of the titles are there.
 */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";

const root = join(import.meta.dirname, "../../..");

interface Danger {
  readonly what: string;
  /** Where it happened. */
  readonly seen: string;
  /** Files of tests, each with words of a title in it. */
  readonly guards: readonly (readonly [file: string, words: string])[];
}

const HERE = "test/conformance/bad-input";

const HISTORY: readonly Danger[] = [
  {
    what: "a huge remaining length before or with the first packet takes memory",
    seen: "Mosquitto: CVE-2017-7651, CVE-2023-0809",
    guards: [
      [`${HERE}/connect.test.ts`, "a first packet that is not CONNECT ends at its first byte"],
      [`${HERE}/connect.test.ts`, "strangers that announce long CONNECTs"],
      [`${HERE}/sockets.test.ts`, "hundreds of strangers that announce huge CONNECTs"],
    ],
  },
  {
    what: "a crafted CONNECT leaks",
    seen: "Mosquitto: CVE-2017-7654, CVE-2021-34431",
    guards: [[`${HERE}/connect.test.ts`, "crafted CONNECTs leave nothing behind"]],
  },
  {
    what: "a will with properties that it cannot have",
    seen: "Mosquitto: CVE-2023-3592",
    guards: [[`${HERE}/connect.test.ts`, "properties that a will cannot have"]],
  },
  {
    what: "thousands of user properties take quadratic time",
    seen: "Mosquitto: CVE-2021-41039",
    guards: [[`${HERE}/connect.test.ts`, "user properties by the ten thousands"]],
  },
  {
    what: "a will delay longer than the session's expiry, then a reconnection",
    seen: "Mosquitto: CVE-2019-11778",
    guards: [[`${HERE}/connect.test.ts`, "a will delay longer than the session's expiry"]],
  },
  {
    what: "ill-formed UTF-8, NUL and non-characters are passed on to others",
    seen: "Mosquitto: CVE-2017-7653",
    guards: [
      [`${HERE}/text.test.ts`, "forbidden text in"],
      [`${HERE}/text.test.ts`, "others get it unchanged or not at all"],
    ],
  },
  {
    what: "user names from certificates and keys that are not UTF-8",
    seen: "Mosquitto before 2.0.16",
    guards: [
      [
        "test/unit/listeners/x509-subject.test.ts",
        "cut off anywhere: no subject, and no exception",
      ],
      ["test/unit/listeners/psk-file.test.ts", "ill-formed UTF-8 is no identity"],
    ],
  },
  {
    what: "wildcards and / in a client id or user name against patterns",
    seen: "Mosquitto: CVE-2017-7650",
    guards: [
      ["test/unit/auth/acl-rules.test.ts", "names with wildcards give nothing by patterns"],
      ["test/unit/auth/acl-rules.test.ts", "a name with / does not open the places of others"],
    ],
  },
  {
    what: "topics that begin with $ other than $SYS",
    seen: "Mosquitto: CVE-2018-12543",
    guards: [[`${HERE}/topics.test.ts`, "topics that begin with $ other than $SYS"]],
  },
  {
    what: "an empty topic",
    seen: "Mosquitto: CVE-2021-34432",
    guards: [[`${HERE}/topics.test.ts`, "an empty topic closes the connection"]],
  },
  {
    what: "tens of thousands of topic levels exhaust the stack",
    seen: "Mosquitto: CVE-2019-11779",
    guards: [[`${HERE}/topics.test.ts`, "65 535 levels close the connection"]],
  },
  {
    what: "packets of a server, sent by a client",
    seen: "Mosquitto: CVE-2021-28166",
    guards: [[`${HERE}/roles.test.ts`, "packets that only a server sends"]],
  },
  {
    what: "malformed answers of the broker that is bridged to",
    seen: "Mosquitto: CVE-2024-10525; nanomq#2145",
    guards: [
      ["test/unit/mqtt-client/mqtt-client.test.ts", "SUBACK without codes"],
      ["test/unit/bridge/connection.test.ts", "a SUBACK without codes"],
      ["test/unit/bridge/connection.test.ts", "bytes at random from the remote broker"],
      ["test/unit/bridge/topic-map.test.ts", "longer than MQTT allows"],
    ],
  },
  {
    what: "QoS 2 identifiers that are repeated and never released",
    seen: "Mosquitto: CVE-2023-28366",
    guards: [[`${HERE}/exchanges.test.ts`, "repeated and never released"]],
  },
  {
    what: "sequences of common packets that leak or use what is gone",
    seen: "Mosquitto: CVE-2024-8376",
    guards: [
      [`${HERE}/sequences.test.ts`, "nothing is left when all have gone"],
      [`${HERE}/sockets.test.ts`, "thousands of connections that come and go"],
    ],
  },
  {
    what: "a reload without free descriptors, or of a file that cannot be read, resets security",
    seen: "Mosquitto: CVE-2017-7652",
    guards: [
      [`${HERE}/sockets.test.ts`, "a configuration that cannot be read"],
      ["test/unit/auth/access-control.test.ts", "a bad or missing new file changes nothing"],
      ["test/interop/signals.test.ts", "SIGHUP with a wrong file"],
    ],
  },
  {
    what: "a start that fails half-way opens an unrestricted listener",
    seen: "Mosquitto before 2.0.12; CVE-2018-20145",
    guards: [
      [
        "test/interop/listeners.test.ts",
        "a certificate that is not there keeps the program from starting",
      ],
      [
        "test/unit/auth/access-control.test.ts",
        "files that are wrong at the start are told, and let nobody in",
      ],
      ["test/unit/auth/access-control.test.ts", "each listener has its own policy"],
    ],
  },
  {
    what: "what was given away before a right was revoked: subscriptions, queues, retained messages, wills",
    seen: "Mosquitto: CVE-2018-12546, CVE-2021-34434, before 2.0.12",
    guards: [
      [`${HERE}/revoked.test.ts`, "an existing subscription brings nothing more"],
      [`${HERE}/revoked.test.ts`, "retained messages do not reach"],
      [`${HERE}/revoked.test.ts`, "once its publisher may not publish there any more"],
      [`${HERE}/revoked.test.ts`, "a QoS 2 exchange begun with the right"],
      [`${HERE}/revoked.test.ts`, "a will needs the right"],
    ],
  },
  {
    what: "a malformed line in the password file, an empty ACL file",
    seen: "Mosquitto: CVE-2018-12550, CVE-2018-12551",
    guards: [
      ["test/unit/auth/password-records.test.ts", "mistakes in a password file are told"],
      ["test/unit/auth/acl-rules.test.ts", "an empty file denies everything"],
    ],
  },
  {
    what: "files with secrets that everybody may read",
    seen: "Mosquitto: CVE-2017-9868",
    guards: [["test/interop/passwd.test.ts", "a new file is for its owner alone"]],
  },
  {
    what: "connections that end within the handshake of WebSocket or TLS",
    seen: "Mosquitto: CVE-2017-7655",
    guards: [
      [`${HERE}/websocket.test.ts`, "handshakes that stop anywhere"],
      ["test/interop/tls-listener.test.ts", "a peer that goes away within the handshake"],
    ],
  },
  {
    what: "a corrupt or crafted persistence file",
    seen: "Mosquitto before 2.0.16; mosquitto#3702",
    guards: [
      [`${HERE}/stored-records.test.ts`, "a broker's record cut off at any byte"],
      [`${HERE}/stored-records.test.ts`, "a broker's record with any bit flipped"],
      [`${HERE}/stored-records.test.ts`, "a gateway's record cut off"],
      ["test/unit/store/damage.test.ts", "a log that is cut off anywhere"],
      ["test/unit/store/damage.test.ts", "a flipped bit anywhere"],
    ],
  },
  {
    what: "$CONTROL by a will, over a bridge, and retained",
    seen: "Mosquitto before 2.0",
    guards: [
      [`${HERE}/topics.test.ts`, "nothing is managed by a will to $CONTROL"],
      [`${HERE}/topics.test.ts`, "a request to $CONTROL is not kept"],
      [
        "test/unit/auth/access-control.test.ts",
        "a bridge of this Midge may do everything but manage it",
      ],
    ],
  },
  {
    what: "dynamic security: odd JSON, long names, storms of commands",
    seen: "Mosquitto before 2.0.19",
    guards: [
      ["test/unit/auth/dynamic-security.test.ts", "no JSON whatever throws"],
      ["test/unit/auth/dynamic-security.test.ts", "a storm of commands"],
      [
        "test/unit/auth/dynamic-security.test.ts",
        "those without a name have the anonymous group's roles",
      ],
    ],
  },
  {
    what: "no keep alive, or a long one, holds resources",
    seen: "MQTT 3.1.1 as such: CVE-2020-13849",
    guards: [
      [`${HERE}/connect.test.ts`, "is held to max_keepalive"],
      [`${HERE}/connect.test.ts`, "a CONNECT that never ends is given up"],
      [`${HERE}/sockets.test.ts`, "with few file descriptors"],
      ["test/unit/listeners/connection-room.test.ts", "some descriptors are kept back"],
    ],
  },
  {
    what: "packets that end too early, and lengths of properties beyond the packet",
    seen: "nanomq#2268, nanomq#2270, nanomq#1042, nanomq#1169, nanomq#1722, nanomq#1181",
    guards: [
      [`${HERE}/truncation.test.ts`, "cut off at every byte of its body"],
      [`${HERE}/truncation.test.ts`, "a property length that runs over"],
    ],
  },
  {
    what: "variable byte integers of five bytes",
    seen: "CVE-2026-21888",
    guards: [[`${HERE}/truncation.test.ts`, "variable byte integers of five bytes"]],
  },
  {
    what: "WebSocket frames that are shorter than their packet, or hold several",
    seen: "NanoMQ: CVE-2026-25627",
    guards: [[`${HERE}/websocket.test.ts`, "frames shorter and longer than their packets"]],
  },
  {
    what: "subscribing and unsubscribing while the connection ends",
    seen: "NanoMQ: CVE-2025-59946",
    guards: [[`${HERE}/sequences.test.ts`, "a client that is gone in the middle of its packets"]],
  },
  {
    what: "a flood fills the queues until nothing moves",
    seen: "NanoMQ: CVE-2024-48077",
    guards: [
      [`${HERE}/exchanges.test.ts`, "a flood that fills every queue stops nobody"],
      [`${HERE}/sockets.test.ts`, "a subscriber that reads nothing under a flood"],
      [`${HERE}/sockets.test.ts`, "by who never reads the answers"],
    ],
  },
  {
    what: "untrusted input fills the memory",
    seen: "EMQX before 4.2.8: CVE-2021-33175",
    guards: [
      [`${HERE}/sockets.test.ts`, "clients that announce long PUBLISHes"],
      [`${HERE}/exchanges.test.ts`, "the queue of a session that is away is bounded"],
    ],
  },
  {
    what: "properties that a packet cannot have are forwarded",
    seen: "vernemq#1883",
    guards: [
      [`${HERE}/properties.test.ts`, "with a property that is not its own"],
      [`${HERE}/properties.test.ts`, "nothing that was meant for the server"],
    ],
  },
  {
    what: "the queue for who is away is not bounded",
    seen: "aedes#1087",
    guards: [[`${HERE}/exchanges.test.ts`, "the queue of a session that is away is bounded"]],
  },
  {
    what: "open by default: known passwords, anonymous access, a web API for everybody",
    seen: "NanoMQ, Mosquitto's HTTP API",
    guards: [
      ["test/unit/config/load.test.ts", "listens on loopback only"],
      [
        "test/unit/config/load.test.ts",
        "anonymous clients are let in by default on loopback addresses only",
      ],
      ["test/interop/http.test.ts", "no page that reaches it through another name"],
    ],
  },
];

for (const { what, seen, guards } of HISTORY) {
  test(`there is a test against: ${what} (${seen})`, () => {
    for (const [file, words] of guards) {
      assert.ok(readFileSync(join(root, file), "utf8").includes(words), `"${words}" in ${file}`);
    }
  });
}

test("what is shipped decodes MQTT by Midge's own codec alone (NSWG-ECO-500)", () => {
  const { dependencies } = JSON.parse(readFileSync(join(root, "package.json"), "utf8")) as {
    dependencies: Record<string, string>;
  };
  const others = Object.keys(dependencies).filter((name) => /mqtt|aedes/.test(name));
  assert.deepEqual(others, []);
});
