/** The aedes broker behind our wires: another implementation of MQTT to test listeners and pages against. */
import { Duplex } from "node:stream";
import { Aedes } from "aedes";
import type { Wire, WireEnd } from "../../src/seams/wire.ts";

/** A wire as the stream that aedes expects. */
function streamOver(wire: Wire): { stream: Duplex; end: WireEnd } {
  let written: (() => void) | undefined;
  const stream = new Duplex({
    read() {},
    write(chunk: Buffer, _encoding, done) {
      wire.output.raw(chunk);
      wire.flush();
      // Written in the next turn, so that the wire's backlog stays that of one turn.
      written = done;
      setImmediate(settle);
    },
    destroy(error, done) {
      wire.close();
      done(error);
    },
  });
  function settle(): void {
    const done = written;
    written = undefined;
    done?.();
  }
  return {
    stream,
    end: {
      receive: (bytes) => stream.push(Buffer.from(bytes)),
      drained: settle,
      closed: () => {
        stream.push(null);
        stream.destroy();
      },
    },
  };
}

/** A running aedes, and the `accept` that hands it connections. */
export async function aedesBehindWires() {
  const aedes = await Aedes.createBroker();
  const accept = (wire: Wire): WireEnd => {
    const { stream, end } = streamOver(wire);
    aedes.handle(stream as Parameters<typeof aedes.handle>[0]);
    return end;
  };
  /** Publishes in the broker's own name, `$SYS` included. */
  const announce = (topic: string, payload: string | Buffer, retain = true): Promise<void> =>
    new Promise((resolve, reject) =>
      aedes.publish({ cmd: "publish", topic, payload, retain, qos: 0, dup: false }, (error) =>
        error ? reject(error) : resolve(),
      ),
    );
  const stop = (): Promise<void> => new Promise((resolve) => aedes.close(() => resolve()));
  return { accept, announce, stop };
}
