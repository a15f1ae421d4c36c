/** Wills of clients that come, go and are lost at random, while the power goes at random. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { encodeUtf8 } from "../../../src/bytes/utf8.ts";
import type { Random } from "../../../src/time/clock.ts";
import { seededRandom } from "../../kit/random.ts";
import { TestBroker, type TestClient } from "../../kit/test-broker.ts";
import { VirtualClock } from "../../kit/virtual-clock.ts";

const SEEDS = Number(process.env.MIDGE_SEEDS ?? 300);
const STEPS = 40;
const CLIENTS = ["a", "b", "c"];
const FOREVER = 0xffffffff;
const HEARTBEAT = 5000;
/** Longer than anything waits here, ms. */
const LONG = 200_000;

/** One connection, and what becomes of its will, which is like no other. */
interface Life {
  readonly will: string;
  readonly clientId: string;
  readonly connection: TestClient;
  readonly delay: number;
  /** The session outlives it. */
  readonly kept: boolean;
  end: "none" | "disconnect" | "forgotten disconnect" | "loss" | "power";
  /** CONNECT is on the disk, and so is how it ended. */
  begun: boolean;
  ended: boolean;
}

class Story {
  readonly lives: Life[] = [];
  readonly #random: Random;
  readonly #last = new Map<string, Life>();
  #broker = new TestBroker({ autoCommit: false });

  constructor(random: Random) {
    this.#random = random;
    const watcher = this.#broker.connect5("watcher", { sessionExpiryInterval: FOREVER });
    const subscriptions = [{ filter: "will", qos: 2 }] as const;
    watcher.send({ kind: "subscribe", packetId: 1, subscriptions });
    this.commit();
    watcher.break();
    this.commit();
  }

  pick<T>(...choices: readonly T[]): T {
    return choices[Math.floor(this.#random() * choices.length)] as T;
  }

  connect(clientId: string): void {
    const { pick, lives } = { pick: this.pick.bind(this), lives: this.lives };
    const delay = pick(0, 0, 5, 30);
    const sessionExpiryInterval = pick(0, 10, 100, FOREVER);
    const name = `${clientId}${lives.length}`;
    const will = {
      topic: "will",
      payload: encodeUtf8(name),
      qos: 2,
      retain: false,
      properties: { willDelayInterval: delay },
    } as const;
    const keepAlive = pick(0, 10, 20);
    const fields = { keepAlive, cleanStart: pick(true, false), will };
    this.#finish(clientId, "loss");
    const connection = this.#broker.connect5(clientId, { sessionExpiryInterval }, fields);
    const kept = sessionExpiryInterval > 0;
    const life: Life = {
      ...{ will: name, clientId, connection, delay, kept },
      ...{ end: "none", begun: false, ended: false },
    };
    this.#last.set(clientId, life);
    lives.push(life);
  }

  leave(clientId: string, isLost: boolean): void {
    const life = this.#finish(clientId, isLost ? "loss" : "disconnect");
    if (isLost) life?.connection.break();
    else life?.connection.send({ kind: "disconnect" });
  }

  /** `duration` is a multiple of the time within which clients have to be heard, ms. */
  advance(duration: number): void {
    for (let passed = 0; passed < duration; passed += HEARTBEAT) {
      for (const { connection } of this.#last.values()) connection.send({ kind: "pingreq" });
      this.#broker.clock.advance(HEARTBEAT);
    }
  }

  commit(): void {
    this.#broker.disk.commit();
    for (const life of this.lives) {
      if (life.end === "power" || life.end === "forgotten disconnect") continue;
      life.begun = true;
      life.ended = life.end !== "none";
    }
  }

  powerCut(outage: number): void {
    for (const clientId of CLIENTS) this.#finish(clientId, "power");
    for (const life of this.lives) {
      if (life.ended) continue;
      // What was not written has never been.
      if (life.end === "loss") life.end = "power";
      if (life.end === "disconnect") life.end = "forgotten disconnect";
    }
    const clock = new VirtualClock(this.#broker.clock.wall() + outage);
    this.#broker = this.#broker.restart({ clock });
  }

  isLast(life: Life): boolean {
    return this.lives.findLast(({ clientId }) => clientId === life.clientId) === life;
  }

  /** How often each will was published in the end. */
  published(): Map<string, number> {
    for (const clientId of CLIENTS) this.leave(clientId, true);
    this.advance(LONG);
    this.commit();
    const watcher = this.#broker.connect5(
      "watcher",
      { sessionExpiryInterval: FOREVER },
      { cleanStart: false },
    );
    const counts = new Map<string, number>();
    for (;;) {
      this.commit();
      const packets = watcher.take();
      if (packets.length === 0) return counts;
      for (const packet of packets) {
        if (packet.kind === "publish") {
          const name = new TextDecoder().decode(packet.payload);
          counts.set(name, 1 + (counts.get(name) ?? 0));
          watcher.send({ kind: "pubrec", packetId: packet.packetId });
        } else if (packet.kind === "pubrel") {
          watcher.send({ kind: "pubcomp", packetId: packet.packetId });
        }
      }
    }
  }

  /** What is left in the store of wills. */
  remains(): string[] {
    return this.#broker.disk.records().flatMap(({ key }) => (key.startsWith("w/") ? [key] : []));
  }

  #finish(clientId: string, end: Life["end"]): Life | undefined {
    const life = this.#last.get(clientId);
    this.#last.delete(clientId);
    if (life !== undefined) life.end = end;
    return life;
  }
}

/** How often a will may have come. */
function expected(life: Life, isLast: boolean): readonly number[] {
  const { end, begun, ended, kept, delay } = life;
  if (end === "disconnect") return [0];
  if (end === "forgotten disconnect") return begun ? [0, 1] : [0];
  if (end === "loss" && ended) {
    // Who comes back during the delay stops it.
    return !kept || delay === 0 || isLast ? [1] : [0, 1];
  }
  // The power went before its end was on the disk: what was known then is that it was connected.
  if (!begun || !kept) return [0];
  return isLast ? [1] : [0, 1];
}

test(`each will comes as it must, and never twice, in ${SEEDS} stories with power cuts`, () => {
  for (let seed = 1; seed <= SEEDS; seed++) {
    const story = new Story(seededRandom(seed));
    for (let step = 0; step < STEPS; step++) {
      const clientId = story.pick(...CLIENTS);
      switch (
        story.pick("connect", "connect", "lose", "leave", "wait", "commit", "commit", "cut")
      ) {
        case "connect":
          story.connect(clientId);
          break;
        case "lose":
          story.leave(clientId, true);
          break;
        case "leave":
          story.leave(clientId, false);
          break;
        case "wait":
          story.advance(story.pick(5000, 10_000, 50_000));
          break;
        case "commit":
          story.commit();
          break;
        case "cut":
          story.powerCut(story.pick(0, 5000, 100_000));
          break;
      }
    }
    const published = story.published();
    for (const life of story.lives) {
      const count = published.get(life.will) ?? 0;
      const { connection: _connection, ...told } = life;
      const isRight = expected(life, story.isLast(life)).includes(count);
      assert.ok(isRight, `seed ${seed}: ${count} times: ${JSON.stringify(told)}`);
    }
    assert.deepEqual(story.remains(), [], `seed ${seed}`);
  }
});
