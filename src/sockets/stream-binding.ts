/** What of Node's own stream handles Midge uses directly, where this Node has it. */

export interface WriteRequest {
  oncomplete: ((status: number) => void) | undefined;
  /** Kept from the garbage collector while it is being written. */
  buffer: Uint8Array | undefined;
}

export interface StreamBinding {
  readonly WriteWrap: new () => WriteRequest;
  /** What the last read or write came to, by these indices. */
  readonly streamBaseState: Int32Array;
  readonly kLastWriteWasAsync: number;
  readonly kReadBytesOrError: number;
}

let known: StreamBinding | undefined;

/** Undefined where this Node does not show it. */
export function streamBinding(): StreamBinding | undefined {
  known ??= findBinding();
  return known;
}

function findBinding(): StreamBinding | undefined {
  const owner = process as unknown as { binding?: (name: string) => Partial<StreamBinding> };
  try {
    const found = owner.binding?.("stream_wrap") ?? {};
    const { WriteWrap, streamBaseState, kLastWriteWasAsync, kReadBytesOrError } = found;
    if (WriteWrap === undefined || streamBaseState === undefined) return undefined;
    if (kLastWriteWasAsync === undefined || kReadBytesOrError === undefined) return undefined;
    return { WriteWrap, streamBaseState, kLastWriteWasAsync, kReadBytesOrError };
  } catch {
    return undefined;
  }
}
