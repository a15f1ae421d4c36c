/** A listener in a process of its own, to be run with few file descriptors: prints its log and how many it serves. */
import { ConnectionRoom } from "../../src/listeners/connection-room.ts";
import { Listener } from "../../src/listeners/listener.ts";
import type { Wire, WireEnd } from "../../src/seams/wire.ts";
import { FlushTurn } from "../../src/sockets/flush-turn.ts";
import { openFilesLimit } from "../../src/system/open-files.ts";
import { RealTime } from "../../src/system/real-time.ts";

const say = (text: string): void => {
  process.stdout.write(`${text}\n`);
};
const log = {
  debugging: true,
  debug: say,
  info: say,
  notice: say,
  warn: say,
  error: say,
  connection: say,
  subscribe: say,
  unsubscribe: say,
};

function echo(wire: Wire): WireEnd {
  return {
    receive(bytes) {
      wire.output.raw(bytes);
      wire.flush();
    },
    drained() {},
    closed() {},
  };
}

const time = new RealTime();
time.start();
// Without a limit of its own, the system's is met.
const openFiles = process.argv[3] === "unlimited" ? undefined : openFilesLimit();
const room = new ConnectionRoom({ openFiles, clock: time, log });
const listener = new Listener({
  options: {
    setting: "listener[0]",
    address: "127.0.0.1",
    port: Number(process.argv[2]),
    protocol: "mqtt",
  },
  accept: echo,
  room,
  turn: new FlushTurn(),
  clock: time,
  scheduler: time.scheduler,
  log,
});
await listener.start();
say("ready");
setInterval(() => say(`connections: ${room.taken}`), 100);
