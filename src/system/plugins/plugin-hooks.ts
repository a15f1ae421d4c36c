/** What the broker tells plugins, and what they have to say to it. */
import type { Leaving } from "../../seams/door.ts";
import type { BrokerHooks, ConnectedClient, HookClient } from "../../seams/hooks.ts";
import type { Message } from "../../seams/message.ts";
import type { Plugin, PluginClient } from "../../seams/plugin.ts";
import { isPromise, type PluginFence } from "./fence.ts";
import { changedMessage, shownMessage } from "./message-change.ts";

export interface LoadedPlugin {
  readonly plugin: Plugin;
  readonly fence: PluginFence;
}

export interface PluginHooksParts {
  readonly plugins: readonly LoadedPlugin[];
  /** Those who are connected, by client id; kept up to date here. */
  readonly clients: Map<string, PluginClient>;
  /** Levels that a topic may have. */
  readonly maxTopicLevels: number;
}

const WAYS: Readonly<Record<Leaving, "normal" | "with-will" | "lost">> = {
  normal: "normal",
  withWill: "with-will",
  lost: "lost",
};

/** The hooks that some plugin makes use of; the others are not set, and cost nothing. */
export function pluginHooks({ plugins, clients, maxTopicLevels }: PluginHooksParts): BrokerHooks {
  if (plugins.length === 0) return {};
  const having = (member: keyof Plugin): readonly LoadedPlugin[] =>
    plugins.filter(({ plugin }) => plugin[member] !== undefined);
  const publishing = having("onPublish");
  const subscribing = having("onSubscribe");
  const unsubscribing = having("onUnsubscribe");
  return {
    connected: (client) => connected(client, clients, plugins),
    disconnected: (client, how) => disconnected(client, how, clients, plugins),
    published:
      publishing.length === 0
        ? undefined
        : (message, publisher, will) =>
            passedOn(message, publisher, will, publishing, maxTopicLevels),
    subscribed:
      subscribing.length === 0
        ? undefined
        : ({ clientId, username }, filter, qos) => {
            const subscription = { client: { clientId, username }, filter, qos };
            for (const { plugin, fence } of subscribing) {
              fence.tell("onSubscribe", () => plugin.onSubscribe?.(subscription));
            }
          },
    unsubscribed:
      unsubscribing.length === 0
        ? undefined
        : ({ clientId, username }, filter) => {
            const subscription = { client: { clientId, username }, filter, qos: undefined };
            for (const { plugin, fence } of unsubscribing) {
              fence.tell("onUnsubscribe", () => plugin.onUnsubscribe?.(subscription));
            }
          },
  };
}

function connected(
  { clientId, username, origin, remote }: ConnectedClient,
  clients: Map<string, PluginClient>,
  plugins: readonly LoadedPlugin[],
): void {
  const client: PluginClient = Object.freeze({ clientId, username, origin, remote });
  clients.set(clientId, client);
  for (const { plugin, fence } of plugins) {
    if (plugin.onConnect !== undefined) fence.tell("onConnect", () => plugin.onConnect?.(client));
  }
}

function disconnected(
  { clientId }: HookClient,
  how: Leaving,
  clients: Map<string, PluginClient>,
  plugins: readonly LoadedPlugin[],
): void {
  const client = clients.get(clientId);
  if (client === undefined) return;
  clients.delete(clientId);
  for (const { plugin, fence } of plugins) {
    if (plugin.onDisconnect === undefined) continue;
    fence.tell("onDisconnect", () => plugin.onDisconnect?.(client, WAYS[how]));
  }
}

function passedOn(
  message: Message,
  publisher: HookClient,
  will: boolean,
  plugins: readonly LoadedPlugin[],
  maxTopicLevels: number,
): Message | undefined {
  let current = message;
  for (const { plugin, fence } of plugins) {
    const seen = shownMessage(current, publisher, will);
    const answer: unknown = fence.attempt("onPublish", undefined, () => plugin.onPublish?.(seen));
    if (answer === undefined || answer === null) continue;
    if (answer === "drop") return undefined;
    if (isPromise(answer)) {
      fence.complain("onPublish", "must answer at once, not by a promise; nothing was changed");
      answer.then(undefined, () => {});
      continue;
    }
    const changed = changedMessage(current, answer, maxTopicLevels);
    if (typeof changed === "string") fence.complain("onPublish", `${changed}; nothing was changed`);
    else current = changed;
  }
  return current;
}
