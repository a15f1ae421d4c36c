/** Where a wire's output goes: straight to the kernel, or through a stream that encrypts it. */

export interface Outlet {
  /** Bytes that the peer's kernel has not taken yet. */
  readonly backlog: number;
  /** Writes the first `length` bytes of `buffer`, which is the outlet's from here on. */
  write(buffer: Uint8Array<ArrayBuffer>, length: number): void;
}
