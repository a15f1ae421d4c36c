/**
 * A plugin for Midge, to begin your own with. It lets devices in that know a common key, without an
 * entry for each of them in a password file; gives each a place of its own among the topics; tells who
 * is there; and marks every message with the site that it came in by.
 *
 *     [[plugin]]
 *     module = "example-plugin.mjs"      # as seen from the folder of midge.toml
 *     options = { key = "a long secret", prefix = "devices", site = "east" }
 *
 * All that a plugin may have and be told is described in src/seams/plugin.ts. Every member is
 * optional: take away what you do not need.
 */
import { createHmac, randomBytes, timingSafeEqual } from "node:crypto";

/** @type {import("../src/seams/plugin.ts").CreatePlugin} */
export default function create({ options, log, publish }) {
  const { key, prefix = "devices", site = "" } = options;
  // Whatever is thrown here keeps Midge from starting, with this text.
  if (typeof key !== "string" || key.length < 8) throw new Error("options.key is missing or short");

  const proofOf = (text) => createHmac("sha256", key).update(text).digest();
  const isProof = (given, text) => {
    const proof = proofOf(text);
    return given?.length === proof.length && timingSafeEqual(given, proof);
  };
  const isDevice = (username) => username === "device";

  return {
    /**
     * Devices come in as the user "device"; their password is the HMAC of their client identifier, in
     * hexadecimal. "defer" leaves all others to password file, dynamic security and other plugins. A
     * promise may be answered as well: to ask a data base, say.
     */
    authenticate({ clientId, username, password }) {
      if (!isDevice(username)) return "defer";
      const given = Buffer.from(new TextDecoder().decode(password), "hex");
      return isProof(given, clientId) ? "allow" : "deny";
    },

    /**
     * Each device has what is under devices/CLIENT-ID/, and nothing else. For all others the listener's
     * other rules decide, an ACL file's, say; if nobody does, the answer is no. Asked for every message:
     * it must answer at once, and should not take long.
     */
    authorize({ clientId, username, topic }) {
      if (!isDevice(username)) return "defer";
      return topic.startsWith(`${prefix}/${clientId}/`) ? "allow" : "deny";
    },

    /** Who is there, as retained messages. */
    onConnect({ clientId }) {
      publish(`presence/${clientId}`, "online", { retain: true });
    },
    onDisconnect({ clientId }, how) {
      publish(`presence/${clientId}`, how === "lost" ? "lost" : "offline", { retain: true });
    },

    /** Nothing without content (but deletions of retained messages) goes on; all else is marked. */
    onPublish({ payload, retain, properties }) {
      if (payload.length === 0 && !retain) return "drop";
      if (site === "") return undefined;
      const userProperties = [...(properties.userProperties ?? []), ["site", String(site)]];
      return { properties: { ...properties, userProperties } };
    },

    onSubscribe({ client, filter }) {
      if (filter === "#") log.notice(`${client.clientId} reads everything`);
    },

    /**
     * The same key by a method of MQTT 5.0's enhanced authentication, which sends no password: the
     * client is given a random challenge, and answers with the HMAC of challenge and client id.
     */
    extendedAuthentication: {
      method: "EXAMPLE-HMAC",
      begin({ clientId }) {
        const challenge = randomBytes(16);
        let asked = false;
        return {
          next(data) {
            if (!asked) {
              asked = true;
              return { answer: "continue", data: challenge };
            }
            const right = isProof(data, Buffer.concat([challenge, Buffer.from(clientId)]));
            return right ? { answer: "allow", username: "device" } : { answer: "deny" };
          },
        };
      },
    },

    stop() {
      log.info("that was the example");
    },
  };
}
