/** The table of Mosquitto's options against Mosquitto's own documentation, and files as they ship. */
import assert from "node:assert/strict";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { allOptions } from "../../../src/config/describe.ts";
import { loadConfig } from "../../../src/config/load.ts";
import { MOSQUITTO_OPTIONS, mosquittoOption } from "../../../src/config/mosquitto-options.ts";
import { specialFor } from "../../../src/config/mosquitto-special.ts";
import { writeFiles } from "../../kit/config-file.ts";

/** Every option of mosquitto.conf(5) of 2.0, 2.1 and what has been documented since. */
const DOCUMENTED = `
accept_protocol_versions acl_file address addresses allow_anonymous allow_duplicate_messages
allow_zero_length_clientid auth_opt_x auth_plugin auth_plugin_deny_special_chars auto_id_prefix
autosave_interval autosave_on_changes bind_address bind_interface bridge_alpn
bridge_attempt_unsubscribe bridge_bind_address bridge_cafile bridge_capath bridge_certfile
bridge_ciphers bridge_ciphers_tls1.3 bridge_identity bridge_insecure bridge_keyfile
bridge_max_packet_size bridge_max_topic_alias bridge_outgoing_retain bridge_protocol_version
bridge_psk bridge_receive_maximum bridge_reload_type bridge_require_ocsp
bridge_session_expiry_interval bridge_tcp_keepalive bridge_tcp_user_timeout
bridge_tls_use_os_certs bridge_tls_version cafile capath certfile check_retain_source ciphers
ciphers_tls1.3 cleansession clientid clientid_prefixes connection connection_messages crlfile
dhparamfile disable_client_cert_date_checks enable_control_api enable_proxy_protocol
global_max_clients global_max_connections global_plugin http_dir idle_timeout include_dir
keepalive_interval keyfile listener listener_allow_anonymous listener_auto_id_prefix
local_cleansession local_clientid local_password local_username log_dest log_facility
log_timestamp log_timestamp_format log_type max_connections max_inflight_bytes
max_inflight_messages max_keepalive max_packet_size max_qos max_queued_bytes max_queued_messages
max_topic_alias max_topic_alias_broker maximum_qos memory_limit message_size_limit mount_point
mptcp bridge_mptcp notification_topic notifications notifications_local_only packet_buffer_size password
password_file per_listener_settings persistence persistence_file persistence_location
persistent_client_expiration pid_file plugin plugin_load plugin_opt_x plugin_use port protocol
proxy_protocol_v2_require_tls psk_file psk_hint queue_qos0_messages remote_clientid
remote_password remote_username require_certificate restart_timeout retain_available
retain_expiry_interval retained_persistence retry_interval round_robin set_tcp_nodelay
socket_domain start_type sys_interval threshold tls_engine tls_engine_kpass_sha1 tls_keyform
tls_version topic try_private upgrade_outgoing_qos use_identity_as_username
use_subject_as_username use_username_as_clientid user username websockets_headers_size
websockets_log_level websockets_origin
`
  .trim()
  .split(/\s+/);

test("every documented option is known, and no other", () => {
  for (const word of DOCUMENTED) assert.ok(mosquittoOption(word) !== undefined, word);
  for (const word of Object.keys(MOSQUITTO_OPTIONS)) assert.ok(DOCUMENTED.includes(word), word);
  for (const word of ["toString", "__proto__", "auth_opt", ""]) {
    assert.equal(mosquittoOption(word), undefined, word);
  }
});

test("every option that needs a reader of its own has one, and sets a key that exists", () => {
  const keys = new Set(allOptions().map((option) => option.path));
  const sections: Readonly<Record<string, readonly string[]>> = {
    broker: ["broker"],
    access: ["access"],
    log: ["log"],
    process: ["process"],
    listener: ["listener"],
    anyListener: ["listener"],
    security: ["access", "listener"],
    securityOfBroker: ["broker", "listener"],
    bridge: ["bridge"],
  };
  for (const [word, { scope, meaning }] of Object.entries(MOSQUITTO_OPTIONS)) {
    if (meaning.kind === "special") {
      assert.ok(specialFor(word) !== undefined || word === "include_dir", word);
    } else if ("key" in meaning) {
      for (const section of sections[scope] ?? ["nowhere"]) {
        assert.ok(keys.has(`${section}.${meaning.key}`), word);
      }
    }
  }
});

test("the configuration that Debian installs loads", (t) => {
  const folder = writeFiles(t, { "conf.d/README": "Any files placed in this directory..." });
  const text = `# Place your local configuration in /etc/mosquitto/conf.d/
#
# A full description of the configuration file is at
# /usr/share/doc/mosquitto/examples/mosquitto.conf.example

pid_file /run/mosquitto/mosquitto.pid

persistence true
persistence_location /var/lib/mosquitto/

log_dest file /var/log/mosquitto/mosquitto.log

include_dir ${folder}/conf.d
`;
  const file = join(writeFiles(t, { "mosquitto.conf": text }), "mosquitto.conf");
  const { config, warnings } = loadConfig({ file });
  assert.deepEqual(warnings, []);
  assert.equal(config.process.pid_file, "/run/mosquitto/mosquitto.pid");
  assert.equal(config.store.path, "/var/lib/mosquitto/midge");
  assert.deepEqual(config.log.log_dest, ["file /var/log/mosquitto/mosquitto.log"]);
  assert.deepEqual(
    config.listener.map(({ port, address }) => ({ port, address })),
    [{ port: 1883, address: "localhost" }],
  );
});

const SHIPPED = "/usr/share/doc/mosquitto/examples/mosquitto.conf";
const skip = existsSync(SHIPPED) ? false : "Mosquitto's example file is not installed";

test("the example that Mosquitto ships loads, and names no option that is unknown", {
  skip,
}, () => {
  assert.deepEqual(loadConfig({ file: SHIPPED }).warnings, []);
  const commented = readFileSync(SHIPPED, "utf8").matchAll(/^#([a-z0-9_.]+)(?: \S+)?$/gm);
  const words = new Set([...commented].map((match) => match[1] ?? ""));
  for (const word of words) assert.ok(mosquittoOption(word) !== undefined, word);
  assert.ok(words.size > 50);
});
