/**
 * What /metrics answers, in Prometheus' text format. Its library is loaded by the first who asks, so
 * that a Midge that nobody scrapes does not hold it.
 */
import { setTimeout as pause } from "node:timers/promises";
import type { Counter, Gauge, Registry } from "prom-client";
import type { MetricFacts } from "../facts.ts";
import { BRIDGE_FAMILIES } from "./bridge-families.ts";
import { BROKER_FAMILIES } from "./broker-families.ts";
import type { Family, Sample } from "./family.ts";
import { GATEWAY_FAMILIES } from "./gateway-families.ts";
import { STORE_FAMILIES } from "./store-families.ts";

export const FAMILIES: readonly Family[] = [
  ...BROKER_FAMILIES,
  ...STORE_FAMILIES,
  ...BRIDGE_FAMILIES,
  ...GATEWAY_FAMILIES,
];

export interface Scrape {
  readonly contentType: string;
  readonly text: string;
}

interface Book {
  readonly registry: Registry;
  readonly entries: readonly {
    readonly family: Family;
    readonly fill: (sample: Sample) => void;
    readonly empty: () => void;
  }[];
}

/** How often the delay of the event loop is measured, ms. Every look wakes the processor. */
const PRECISION = 20;
/** At least between two scrapes, ms: each begins to measure that delay anew, and it takes two looks. */
const REST = 4 * PRECISION;
/** Told as centuries where there was no measurement since the last scrape. */
const LEAST_DELAY = "nodejs_eventloop_lag_min_seconds";

export class Metrics {
  readonly #facts: () => MetricFacts;
  #book: Book | undefined;
  #scrape: Promise<Scrape> | undefined;
  /** When measuring began anew, monotonic ms. */
  #measuredSince = 0;

  constructor(facts: () => MetricFacts) {
    this.#facts = facts;
  }

  /** All metrics as they are now. Those who ask together get the same answer. */
  scrape(): Promise<Scrape> {
    this.#scrape ??= this.#take().finally(() => {
      this.#scrape = undefined;
    });
    return this.#scrape;
  }

  async #take(): Promise<Scrape> {
    if (this.#book === undefined) {
      this.#book = await openBook();
      this.#measuredSince = performance.now();
    }
    const rest = this.#measuredSince + REST - performance.now();
    if (rest > 0) await pause(rest);
    this.#measuredSince = performance.now();
    const { registry, entries } = this.#book;
    const facts = this.#facts();
    for (const { family, fill, empty } of entries) {
      empty();
      for (const sample of family.samples(facts)) fill(sample);
    }
    return { contentType: registry.contentType, text: await registry.metrics() };
  }
}

async function openBook(): Promise<Book> {
  // In the bundle a CommonJS module has nothing but its default export.
  const { default: prometheus } = await import("prom-client");
  const registry = new prometheus.Registry();
  const registers = [registry];
  prometheus.collectDefaultMetrics({ register: registry, eventLoopMonitoringPrecision: PRECISION });
  registry.removeSingleMetric(LEAST_DELAY);
  const entries = FAMILIES.map((family) => {
    const { name, help, type, labels } = family;
    const options = { name, help, labelNames: labels, registers };
    const metric =
      type === "counter" ? new prometheus.Counter(options) : new prometheus.Gauge(options);
    return { family, fill: filler(metric), empty: emptier(metric, labels) };
  });
  return { registry, entries };
}

function filler(metric: Counter | Gauge): (sample: Sample) => void {
  return ({ value, labels = {} }) => metric.inc(labels, value);
}

function emptier(metric: Counter | Gauge, labels: readonly string[]): () => void {
  // Reset, one without labels would stand at 0 where there is nothing to tell.
  return labels.length > 0 ? () => metric.reset() : () => metric.remove();
}
