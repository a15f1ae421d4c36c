/** What a preset fills in for a bridge, and what it leaves to the file. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { PRESETS } from "../../../src/config/bridge-presets.ts";
import { load, problemsOf, warningsOf } from "../../kit/config-file.ts";

type Context = Parameters<typeof load>[0];

function bridge(t: Context, lines: string) {
  const text = `[[bridge]]\nname = "b"\n${lines}\n[[bridge.topic]]\npattern = "a"\n`;
  const [first] = load(t, text).config.bridge;
  assert.ok(first !== undefined);
  return first;
}

test("every preset loads with a client id", (t) => {
  for (const preset of PRESETS) {
    const found = bridge(t, `address = "h"\nclient_id = "projects/p/d"\npreset = "${preset}"`);
    assert.equal(found.preset, preset);
    const secure = preset !== "none" && preset !== "mosquitto";
    assert.deepEqual([found.tls, found.address[0]?.port], [secure, secure ? 8883 : 1883], preset);
    assert.equal(found.notifications_local_only, secure, preset);
  }
});

test("AWS IoT on port 443 is asked for by ALPN", (t) => {
  const aws = 'preset = "aws-iot"\nclient_id = "thing"\n';
  const plain = bridge(t, `${aws}address = "x.iot.example"`);
  assert.deepEqual([plain.alpn, plain.protocol, plain.max_qos], ["", "mqttv50", 1]);
  assert.deepEqual([plain.max_topic_length, plain.max_topic_levels, plain.max_rate], [256, 8, 100]);
  const alpn = bridge(t, `${aws}address = "x.iot.example:443"`);
  assert.equal(alpn.alpn, "x-amzn-mqtt-ca");
  assert.equal(bridge(t, `${aws}address = "x:443"\nalpn = "mqtt"`).alpn, "mqtt");
});

test("Azure IoT Hub's user name is made of host and device", (t) => {
  const hub = 'preset = "azure-iot-hub"\naddress = "hub.example.net"\n';
  const device = bridge(t, `${hub}client_id = "dev1"\nshared_access_key = "a2V5"`);
  assert.equal(device.username, "hub.example.net/dev1/?api-version=2021-04-12");
  assert.deepEqual([device.protocol, device.outgoing_retain], ["mqttv311", false]);
});

test("what the file says goes before the preset", (t) => {
  const found = bridge(
    t,
    'preset = "hivemq-cloud"\naddress = "h:8884"\nprotocol = "mqttv311"\ntry_private = true',
  );
  assert.deepEqual(
    [found.protocol, found.try_private, found.address[0]?.port],
    ["mqttv311", true, 8884],
  );
});

test("the port follows the transport", (t) => {
  const port = (lines: string) => bridge(t, lines).address.map((one) => one.port);
  assert.deepEqual(port('address = "h"'), [1883]);
  assert.deepEqual(port('address = ["h", "g:1", "[::1]"]\ncafile = "/x"'), [8883, 1, 8883]);
  assert.deepEqual(port('address = "h"\nwebsocket_path = "/mqtt"'), [80]);
  assert.deepEqual(port('address = "h"\nwebsocket_path = "/mqtt"\ntls = true'), [443]);
  assert.deepEqual(port('address = "h"\npsk = "00"\npsk_identity = "i"'), [8883]);
});

const BEGIN = '[[bridge]]\nname = "b"\naddress = "h"\ntopic = [{ pattern = "a" }]\n';

const MISTAKES: readonly (readonly [string, string])[] = [
  ['preset = "aws"', '5: bridge[0].preset: expected "none", "aws-iot", "azure-iot-hub", '],
  ['preset = "aws-iot"', "5: bridge[0].preset: aws-iot needs client_id: the id that the device"],
  [
    'preset = "azure-iot-hub"\nclient_id = "d"\nkeepalive = 1200',
    "7: bridge[0].keepalive: azure-iot-hub takes 1177 seconds at most",
  ],
  ['shared_access_key = "a2V5"', "5: bridge[0].shared_access_key: is for preset"],
  ['shared_access_key = "?"', "5: bridge[0].shared_access_key: expected a key in base64"],
  ['jwt_keyfile = "/k"', "5: bridge[0].jwt_keyfile: needs jwt_audience, or a client_id that"],
  [
    'jwt_keyfile = "/k"\njwt_audience = "a"\nusername = "u"\npassword = "p"',
    "5: bridge[0].jwt_keyfile: only one of password, shared_access_key and jwt_keyfile",
  ],
  ['psk = "00"', "5: bridge[0].psk: needs psk_identity"],
  ['psk = "0x"', "5: bridge[0].psk: expected a key of up to 256 bytes in hexadecimal"],
  ['psk_identity = "x"', "5: bridge[0].psk_identity: needs psk"],
  ['psk = "00"\npsk_identity = "x"\ncafile = "/c"', "5: bridge[0].psk: cannot be used together"],
  ['tls = true\nkeyfile = "/k"', "6: bridge[0].keyfile: needs certfile"],
  ['alpn = "mqtt"', "5: bridge[0].alpn: has no effect without TLS"],
  ['websocket_path = "mqtt"', "5: bridge[0].websocket_path: expected a path that begins with a"],
  ['bind_address = "host"', "5: bridge[0].bind_address: expected an IP address"],
];

for (const [lines, expected] of MISTAKES) {
  test(`${JSON.stringify(lines)} is refused with the line and the reason`, (t) => {
    const found = problemsOf(t, `${BEGIN}${lines}`);
    assert.equal(found.length, 1, found.join("\n"));
    assert.ok(found[0]?.startsWith(`midge.toml:${expected}`), found[0]);
  });
}

test("an age stamp before MQTT 5.0 is worth a warning", (t) => {
  assert.deepEqual(warningsOf(t, `${BEGIN}age_property = "age"`), [
    'midge.toml:5: bridge[0].age_property: has no effect before MQTT 5.0: set protocol = "mqttv50"',
  ]);
});
