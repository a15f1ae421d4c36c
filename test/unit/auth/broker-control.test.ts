/** What the broker tells of itself at `$CONTROL/broker/v1`. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { BrokerControl } from "../../../src/auth/broker-control.ts";
import { encodeUtf8 } from "../../../src/bytes/utf8.ts";
import { KeptLog } from "../../kit/kept-log.ts";
import { VirtualClock } from "../../kit/virtual-clock.ts";

test("listeners and plugins are told in Mosquitto's words", () => {
  const log = new KeptLog();
  const control = new BrokerControl({
    listeners: () => [
      { port: 1883, webSocket: false, tls: false },
      { port: 8884, webSocket: true, tls: true, address: "10.0.0.1" },
      { port: 0, webSocket: false, tls: false, path: "/run/midge.sock" },
    ],
    plugins: () => [
      { name: "dynamic-security", endpoints: ["$CONTROL/dynamic-security/v1"] },
      { name: "door", version: "1", endpoints: [] },
    ],
    scheduler: new VirtualClock().scheduler,
    log,
  });
  const answers: unknown[] = [];
  const commands = [
    { command: "listListeners", correlationData: "1" },
    { command: "LISTPLUGINS" },
    { command: "shutDown" },
  ];
  control.handle(
    encodeUtf8(JSON.stringify({ commands })),
    { clientId: "c", username: undefined },
    (response) => answers.push(JSON.parse(new TextDecoder().decode(response))),
  );
  assert.deepEqual(answers, [
    {
      responses: [
        {
          command: "listListeners",
          data: {
            listeners: [
              { port: 1883, protocol: "mqtt", tls: false },
              {
                port: 8884,
                protocol: "mqtt+websockets",
                "bind-address": "10.0.0.1",
                tls: true,
              },
              { port: 0, protocol: "mqtt", "socket-path": "/run/midge.sock", tls: false },
            ],
          },
          correlationData: "1",
        },
        {
          command: "listPlugins",
          data: {
            plugins: [
              {
                name: "dynamic-security",
                "control-endpoints": ["$CONTROL/dynamic-security/v1"],
              },
              { name: "door", version: "1", "control-endpoints": [] },
            ],
          },
        },
        { command: "shutDown", error: "Unknown command" },
      ],
    },
  ]);
  assert.deepEqual(log.lines, [
    "info: Broker: c/(null) | listListeners",
    "info: Broker: c/(null) | listPlugins",
  ]);
});
