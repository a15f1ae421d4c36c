/** A listener on real sockets, with a clock that the test moves and ends that note what comes. */
import type { TestContext } from "node:test";
import { ConnectionRoom } from "../../src/listeners/connection-room.ts";
import { Listener } from "../../src/listeners/listener.ts";
import type { ListenerOptions } from "../../src/listeners/options.ts";
import type { Wire, WireEnd } from "../../src/seams/wire.ts";
import { FlushTurn } from "../../src/sockets/flush-turn.ts";
import { KeptLog } from "./kept-log.ts";
import { VirtualClock } from "./virtual-clock.ts";

/** Nothing here takes longer unless something is broken, ms. */
const PATIENCE = 15_000;

/** Sends back what it gets. */
export class EchoEnd implements WireEnd {
  readonly wire: Wire;
  /** What has come, as text. */
  text = "";
  closedBecause: string | undefined;
  isClosed = false;

  constructor(wire: Wire) {
    this.wire = wire;
  }

  receive(bytes: Uint8Array): void {
    this.text += Buffer.from(bytes).toString("latin1");
    this.wire.output.raw(bytes);
    this.wire.flush();
  }

  drained(): void {}

  closed(cause: string | undefined): void {
    this.isClosed = true;
    this.closedBecause = cause;
  }
}

export interface ListenerRig {
  readonly listener: Listener;
  readonly port: number;
  readonly clock: VirtualClock;
  readonly log: KeptLog;
  /** What the listener has handed over, in order. */
  readonly ends: readonly EchoEnd[];
  readonly room: ConnectionRoom;
  /** Waits for `check`, moving the clock by `step` ms each time it looks. */
  until(check: () => boolean, what: string, step?: number): Promise<void>;
}

export interface RigOptions {
  readonly options?: Partial<ListenerOptions> | undefined;
  /** Instead of echoing. */
  readonly accept?: ((wire: Wire) => WireEnd) | undefined;
  readonly openFiles?: number | undefined;
}

/** Starts a listener on a free port of 127.0.0.1, stopped with the test. */
export async function startListener(t: TestContext, rig: RigOptions = {}): Promise<ListenerRig> {
  const made = prepareListener(t, rig);
  await made.listener.start();
  const { lines } = made.log;
  // What tests look at is what comes of it.
  const opened = lines.findIndex((line) => line.startsWith("info: Opening "));
  lines.splice(opened, opened < 0 ? 0 : 1);
  return { ...made, port: made.listener.port };
}

/** The same, not yet started. */
export function prepareListener(t: TestContext, rig: RigOptions = {}): Omit<ListenerRig, "port"> {
  // Certificates of tests are of this day.
  const clock = new VirtualClock(Date.now());
  const log = new KeptLog();
  const ends: EchoEnd[] = [];
  const room = new ConnectionRoom({ openFiles: rig.openFiles, clock, log });
  const echo = (wire: Wire): WireEnd => {
    const end = new EchoEnd(wire);
    ends.push(end);
    return end;
  };
  const listener = new Listener({
    options: {
      setting: "listener[0]",
      address: "127.0.0.1",
      port: 0,
      protocol: "mqtt",
      webSocket: {
        origins: undefined,
        guardLoopback: false,
        headersSize: 16_384,
        maximumPayload: 1_000_000,
      },
      ...rig.options,
    },
    accept: rig.accept ?? echo,
    room,
    turn: new FlushTurn(),
    clock,
    scheduler: clock.scheduler,
    log,
  });
  t.after(() => listener.stop());
  const until = async (check: () => boolean, what: string, step = 0): Promise<void> => {
    const deadline = Date.now() + PATIENCE;
    while (!check()) {
      if (Date.now() > deadline) throw new Error(`${what} did not come\n${log.lines.join("\n")}`);
      await new Promise((resolve) => setTimeout(resolve, 5));
      if (step > 0) clock.advance(step);
    }
  };
  return { listener, clock, log, ends, room, until };
}
