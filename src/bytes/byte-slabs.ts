/**
 * Keeps many short byte strings in few buffers. A Uint8Array of its own costs some 300 bytes more
 * than what is in it; here it costs a number, and what is left of a slot of a multiple of 16 bytes.
 */

/** Bytes of one slab, which holds slots of one size. */
const SLAB = 8192;
const STEP = 16;
/** Slots of a slab at most. */
const MOST_SLOTS = SLAB / STEP;
/** No slot. */
const NONE = 0xffff;

interface Slab {
  readonly number: number;
  readonly slotSize: number;
  readonly bytes: Uint8Array;
  used: number;
  /** The first free slot; its first two bytes tell the next. */
  free: number;
  /** Where it stands among those of its size that have a free slot; -1 if it has none. */
  at: number;
}

export class ByteSlabs {
  /** Longer byte strings are not for slabs. */
  static readonly LONGEST = 1024;
  readonly #slabs: (Slab | undefined)[] = [];
  /** Numbers of slabs that were given up. */
  readonly #numbers: number[] = [];
  /** Slabs with a free slot, by slot size / STEP. */
  readonly #open: Slab[][] = Array.from({ length: ByteSlabs.LONGEST / STEP + 1 }, () => []);

  /** Bytes of all slabs. */
  get size(): number {
    return (this.#slabs.length - this.#numbers.length) * SLAB;
  }

  /** Keeps a copy of up to LONGEST bytes; answers its place. */
  put(bytes: Uint8Array): number {
    const size = slotSizeOf(bytes.length);
    const open = this.#open[size / STEP] as Slab[];
    const slab = open[open.length - 1] ?? this.#add(size, open);
    const slot = slab.free;
    const start = slot * size;
    slab.free = readNext(slab.bytes, start);
    slab.used++;
    if (slab.free === NONE) this.#close(slab, open);
    slab.bytes.set(bytes, start);
    return slab.number * MOST_SLOTS + slot;
  }

  /** Puts other bytes into a place that holds `length`, or into another that fits them; answers it. */
  replace(place: number, length: number, bytes: Uint8Array): number {
    if (slotSizeOf(length) === slotSizeOf(bytes.length)) {
      const slab = this.#slabOf(place);
      slab.bytes.set(bytes, (place % MOST_SLOTS) * slab.slotSize);
      return place;
    }
    this.free(place);
    return this.put(bytes);
  }

  /** A copy of the first `length` bytes at a place. */
  read(place: number, length: number): Uint8Array {
    const slab = this.#slabOf(place);
    const start = (place % MOST_SLOTS) * slab.slotSize;
    return slab.bytes.slice(start, start + length);
  }

  /** Gives a place back. */
  free(place: number): void {
    const slab = this.#slabOf(place);
    const slot = place % MOST_SLOTS;
    const open = this.#open[slab.slotSize / STEP] as Slab[];
    writeNext(slab.bytes, slot * slab.slotSize, slab.free);
    slab.free = slot;
    slab.used--;
    if (slab.at < 0) {
      slab.at = open.length;
      open.push(slab);
    }
    // One stays, so that what comes and goes alone does not cost a slab each time.
    if (slab.used > 0 || open.length === 1) return;
    this.#close(slab, open);
    this.#slabs[slab.number] = undefined;
    this.#numbers.push(slab.number);
  }

  #slabOf(place: number): Slab {
    return this.#slabs[Math.floor(place / MOST_SLOTS)] as Slab;
  }

  #add(slotSize: number, open: Slab[]): Slab {
    const bytes = new Uint8Array(SLAB);
    const count = Math.floor(SLAB / slotSize);
    for (let slot = 0; slot < count; slot++) {
      writeNext(bytes, slot * slotSize, slot + 1 < count ? slot + 1 : NONE);
    }
    const number = this.#numbers.pop() ?? this.#slabs.length;
    const slab = { number, slotSize, bytes, used: 0, free: 0, at: open.length };
    this.#slabs[number] = slab;
    open.push(slab);
    return slab;
  }

  /** Takes a slab from among those with a free slot. */
  #close(slab: Slab, open: Slab[]): void {
    const last = open.pop() as Slab;
    if (last !== slab) {
      open[slab.at] = last;
      last.at = slab.at;
    }
    slab.at = -1;
  }
}

function slotSizeOf(length: number): number {
  return Math.max(1, Math.ceil(length / STEP)) * STEP;
}

function readNext(bytes: Uint8Array, at: number): number {
  return ((bytes[at] as number) << 8) | (bytes[at + 1] as number);
}

function writeNext(bytes: Uint8Array, at: number, next: number): void {
  bytes[at] = next >>> 8;
  bytes[at + 1] = next;
}
