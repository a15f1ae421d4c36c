/** The browser's WebSocket as a wire. */
import { ByteWriter } from "../../bytes/byte-writer.ts";
import type { Wire, WireEnd } from "../../seams/wire.ts";
import type { Dial } from "./feed.ts";

class BrowserWire implements Wire {
  readonly output = new ByteWriter();
  readonly remote: string;
  readonly address: string;
  readonly #socket: WebSocket;
  #flushAsked = false;

  constructor(socket: WebSocket) {
    this.#socket = socket;
    this.remote = socket.url;
    this.address = socket.url;
  }

  get backlog(): number {
    return this.output.length + this.#socket.bufferedAmount;
  }

  flush(): void {
    if (this.#flushAsked) return;
    this.#flushAsked = true;
    queueMicrotask(() => this.#flushNow());
  }

  close(): void {
    this.#flushNow();
    this.#socket.close();
  }

  #flushNow(): void {
    this.#flushAsked = false;
    const { output } = this;
    if (output.length === 0) return;
    if (this.#socket.readyState === WebSocket.OPEN)
      this.#socket.send(output.bytes.slice(0, output.length));
    output.clear();
  }
}

/** Dials `url` (ws: or wss:) for MQTT [MQTT-6.0.0-3]. */
export function dialWebSocket(url: string): Dial {
  return (opened, failed) => {
    const socket = new WebSocket(url, ["mqtt"]);
    socket.binaryType = "arraybuffer";
    let end: WireEnd | undefined;
    let cancelled = false;
    socket.onopen = () => {
      if (!cancelled) end = opened(new BrowserWire(socket));
    };
    socket.onmessage = ({ data }: MessageEvent<ArrayBuffer | string>) => {
      if (typeof data !== "string") end?.receive(new Uint8Array(data));
    };
    // An error event says nothing more than the close event that follows it.
    socket.onclose = () => {
      if (cancelled) return;
      if (end === undefined) failed();
      else end.closed(undefined);
    };
    return {
      cancel: () => {
        cancelled = true;
        socket.close();
      },
    };
  };
}
