/** Files as people run Mosquitto with them: what comes of each as a whole. */
import assert from "node:assert/strict";
import { test } from "node:test";
import type { ListenerConfig } from "../../../src/config/schema.ts";
import { load, problemsOf, warningsOf } from "../../kit/config-file.ts";

const NAME = "mosquitto.conf";

function summary(listener: ListenerConfig): string {
  const { protocol, address, port, path, allow_anonymous } = listener;
  const where = path === "" ? `${address}:${port}` : path;
  const secure = listener.certfile !== "" || listener.psk_hint !== "" ? "+tls" : "";
  const users = [
    listener.password_file,
    listener.acl_file,
    listener.dynamic_security ? "dynsec" : "",
    listener.require_certificate ? "certificates" : "",
  ].filter((word) => word !== "");
  const who = [...(allow_anonymous ? ["anonymous"] : []), ...users];
  return `${protocol}${secure} ${where} ${who.join(", ") || "nobody"}`;
}

interface Sample {
  readonly title: string;
  readonly text: string;
  readonly listeners: readonly string[];
  readonly warnings?: readonly string[];
}

const SAMPLES: readonly Sample[] = [
  {
    title: "a container that everybody may use",
    text: `persistence true
persistence_location /mosquitto/data/
log_dest file /mosquitto/log/mosquitto.log
listener 1883
## Authentication ##
allow_anonymous true
`,
    listeners: ["mqtt :1883 anonymous"],
  },
  {
    title: "passwords at home",
    text: `listener 1883
listener 9001
protocol websockets
socket_domain ipv4
allow_anonymous false
password_file /mosquitto/config/password.txt
persistence true
autosave_interval 1800
persistence_file mosquitto.db
persistence_location /mosquitto/data/
connection_messages true
log_timestamp true
log_timestamp_format %Y-%m-%dT%H:%M:%S
log_dest stdout
log_type error
log_type warning
`,
    listeners: [
      "mqtt :1883 /mosquitto/config/password.txt",
      "websockets :9001 /mosquitto/config/password.txt",
    ],
    warnings: [
      "8: autosave_interval: has no effect: Midge writes the disk by its own rules",
      "9: persistence_file: has no effect: Midge's store has file names of its own",
    ],
  },
  {
    title: "a public server with Let's Encrypt",
    text: `per_listener_settings false
allow_anonymous false
password_file /etc/mosquitto/passwd
acl_file /etc/mosquitto/acl

listener 1883 localhost

listener 8883
certfile /etc/letsencrypt/live/mqtt.example.com/cert.pem
cafile /etc/letsencrypt/live/mqtt.example.com/chain.pem
keyfile /etc/letsencrypt/live/mqtt.example.com/privkey.pem

listener 8083
protocol websockets
certfile /etc/letsencrypt/live/mqtt.example.com/cert.pem
cafile /etc/letsencrypt/live/mqtt.example.com/chain.pem
keyfile /etc/letsencrypt/live/mqtt.example.com/privkey.pem
`,
    listeners: [
      "mqtt localhost:1883 /etc/mosquitto/passwd, /etc/mosquitto/acl",
      "mqtt+tls :8883 /etc/mosquitto/passwd, /etc/mosquitto/acl",
      "websockets+tls :8083 /etc/mosquitto/passwd, /etc/mosquitto/acl",
    ],
  },
  {
    title: "certificates outside, a trusted network inside",
    text: `per_listener_settings true
user mosquitto
max_inflight_messages 100
max_queued_messages 10000
message_size_limit 268435455

listener 1883 192.168.1.2
allow_anonymous true
max_connections -1

listener 8883 203.0.113.7
allow_anonymous false
acl_file /etc/mosquitto/devices.acl
cafile /etc/mosquitto/ca.crt
certfile /etc/mosquitto/server.crt
keyfile /etc/mosquitto/server.key
crlfile /etc/mosquitto/revoked.crl
require_certificate true
use_identity_as_username true
tls_version tlsv1.2
`,
    listeners: [
      "mqtt 192.168.1.2:1883 anonymous",
      "mqtt+tls 203.0.113.7:8883 /etc/mosquitto/devices.acl, certificates",
    ],
  },
  {
    title: "dynamic security as the image of 2.1 has it",
    text: `listener 1883
allow_anonymous false
global_plugin /usr/lib/mosquitto_dynamic_security.so
plugin_opt_config_file /mosquitto/data/dynamic-security.json
plugin_opt_password_init_file /mosquitto/config/init
global_plugin /usr/lib/mosquitto_persist_sqlite.so
persistence_location /mosquitto/data/
enable_control_api true
listener 9883 127.0.0.1
protocol http_api
http_dir /usr/share/mosquitto/dashboard
`,
    listeners: ["mqtt :1883 dynsec"],
    warnings: ["11: http_dir: has no effect: Midge serves its own dashboard here"],
  },
  {
    title: "a file from the days of 1.4",
    text: `# Place your local configuration in /etc/mosquitto/conf.d/
pid_file /var/run/mosquitto.pid
bind_address 0.0.0.0
port 1884
max_connections 200
retry_interval 20
allow_duplicate_messages false
queue_qos0_messages false
persistence true
persistence_location /var/lib/mosquitto/
log_dest topic
log_dest file /var/log/mosquitto/mosquitto.log
allow_anonymous true
auto_id_prefix old-
`,
    listeners: ["mqtt 0.0.0.0:1884 anonymous"],
    warnings: ["6: retry_interval: has no effect: it is no longer available in Mosquitto, either"],
  },
  {
    title: "a sensor's own broker behind a proxy and on a socket",
    text: `listener 0 /run/mosquitto/mqtt.sock
listener 1883 10.0.0.5
enable_proxy_protocol 2
proxy_protocol_v2_require_tls true
require_certificate true
use_identity_as_username true
allow_anonymous false
`,
    listeners: ["mqtt /run/mosquitto/mqtt.sock nobody", "mqtt 10.0.0.5:1883 certificates"],
    warnings: [
      "1: listener: no client can connect: allow_anonymous is false, and no users are configured",
    ],
  },
];

for (const { title, text, listeners, warnings = [] } of SAMPLES) {
  test(`${title} is taken over`, (t) => {
    const { config } = load(t, text, NAME);
    assert.deepEqual(config.listener.map(summary), listeners);
    assert.deepEqual(
      warningsOf(t, text, NAME),
      warnings.map((warning) => `${NAME}:${warning}`),
    );
  });
}

test("a plugin that Midge does not have is refused, so that nothing is left open", (t) => {
  const text = `listener 1883
auth_plugin /usr/share/mosquitto/go-auth.so
auth_opt_backends files, http
auth_opt_files_password_path /etc/mosquitto/pw
`;
  const [line = "", ...more] = problemsOf(t, text, NAME);
  assert.match(line, /^mosquitto\.conf:2: auth_plugin: ".*go-auth\.so" is a plugin for Mosquitto/);
  assert.deepEqual(more, []);
});
