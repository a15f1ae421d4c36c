/** What simulated nodes read: values that change as real ones do, from a seeded random source. */
import type { Random } from "../../time/clock.ts";

/** Values by name. */
export type Reading = Readonly<Record<string, number | string>>;

export interface Generator {
  /** The values `elapsed` seconds after the last reading; undefined where there is nothing new to tell. */
  read(elapsed: number): Reading | undefined;
  /** Takes a message sent to the node; whether its values are to be told at once. */
  command(text: string): boolean;
}

export const GENERATORS = ["weather", "door", "level", "counter"] as const;
export type GeneratorName = (typeof GENERATORS)[number];

export function makeGenerator(name: GeneratorName, random: Random): Generator {
  switch (name) {
    case "weather":
      return new Weather(random);
    case "door":
      return new Door(random);
    case "level":
      return new Tank(random);
    case "counter":
      return new Counter();
  }
}

function rounded(value: number, digits: number): number {
  return Number(value.toFixed(digits));
}

/** A value that wanders about a mean and is drawn back to it. */
class Walk {
  readonly #random: Random;
  readonly #mean: number;
  readonly #spread: number;
  value: number;

  /** `spread`: how far from the mean it mostly stays. */
  constructor(random: Random, mean: number, spread: number) {
    this.#random = random;
    this.#mean = mean;
    this.#spread = spread;
    this.value = mean + (random() - 0.5) * spread;
  }

  /** Over 10 minutes it forgets where it was; a step is the sum of two random ones, so small ones prevail. */
  advance(elapsed: number): void {
    const share = Math.min(1, elapsed / 600);
    const step = (this.#random() + this.#random() - 1) * this.#spread * Math.sqrt(share) * 3;
    this.value += (this.#mean - this.value) * share + step;
  }
}

/** Temperature in °C, relative humidity in %, pressure in hPa. */
class Weather implements Generator {
  readonly #temperature: Walk;
  readonly #damp: Walk;
  readonly #pressure: Walk;

  constructor(random: Random) {
    this.#temperature = new Walk(random, 17, 3);
    this.#damp = new Walk(random, 62, 6);
    this.#pressure = new Walk(random, 1013, 4);
  }

  read(elapsed: number): Reading {
    for (const walk of [this.#temperature, this.#damp, this.#pressure]) walk.advance(elapsed);
    const temperature = this.#temperature.value;
    // Warmer air holds more water, so that the same water is less of what it holds.
    const humidity = this.#damp.value - (temperature - 17) * 2;
    return {
      temperature: rounded(temperature, 1),
      humidity: Math.round(Math.min(100, Math.max(5, humidity))),
      pressure: rounded(this.#pressure.value, 1),
    };
  }

  command(): boolean {
    return false;
  }
}

/** Open or closed, and the battery in %; told when it changes, and now and then as a sign of life. */
class Door implements Generator {
  readonly #random: Random;
  #open = false;
  #battery: number;
  #silent = 0;

  constructor(random: Random) {
    this.#random = random;
    this.#battery = 80 + random() * 20;
    this.#silent = Number.POSITIVE_INFINITY;
  }

  read(): Reading | undefined {
    const before = this.#open;
    // Doors are shut again soon, and stay so for longer.
    if (this.#random() < (before ? 0.6 : 0.3)) this.#open = !before;
    if (this.#open === before && this.#silent < 6) {
      this.#silent++;
      return undefined;
    }
    this.#silent = 0;
    this.#battery = Math.max(0, this.#battery - 0.01);
    return { state: this.#open ? "open" : "closed", battery: rounded(this.#battery, 1) };
  }

  command(): boolean {
    return false;
  }
}

const OPENING = new Set(["open", "on", "1", "true"]);
const CLOSING = new Set(["close", "closed", "off", "0", "false"]);

/**
 * A tank's level in %: it fills, and drains while its valve is open. The valve does as it is told
 * ("open", "closed"), and of its own accord before the tank runs over or dry.
 */
class Tank implements Generator {
  readonly #random: Random;
  #level: number;
  #open = false;

  constructor(random: Random) {
    this.#random = random;
    this.#level = 40 + random() * 20;
  }

  read(elapsed: number): Reading {
    // Both in % per second.
    const rate = this.#open ? -0.9 : 0.4;
    this.#level += rate * elapsed * (0.8 + 0.4 * this.#random());
    this.#level = Math.min(100, Math.max(0, this.#level));
    if (this.#level > 92) this.#open = true;
    if (this.#level < 12) this.#open = false;
    return { level: rounded(this.#level, 1), valve: this.#open ? "open" : "closed" };
  }

  command(text: string): boolean {
    const word = text.trim().replaceAll('"', "").toLowerCase();
    if (OPENING.has(word)) this.#open = true;
    else if (CLOSING.has(word)) this.#open = false;
    else return false;
    return true;
  }
}

class Counter implements Generator {
  #count = 0;

  read(): Reading {
    return { count: this.#count++ };
  }

  command(): boolean {
    return false;
  }
}
