/** What firmware-samples/README.md says of flash and RAM is what the samples take. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { make, SAMPLES, succeed } from "../kit/firmware.ts";

/** Compilers of other releases come out a little different. */
const TOLERANCE = 0.05;

function isAbout(actual: number, told: number): boolean {
  return Math.abs(actual - told) <= told * TOLERANCE;
}

const table = readFileSync(join(SAMPLES, "README.md"), "utf8");
const rows = table.matchAll(/^\| \[([\w-]+)\]\S+ \|.*\| (\d+) \| (\d+) \|$/gm);

for (const [, sample = "", flash, ram] of rows) {
  test(`${sample} takes as much flash and RAM as its README says`, async () => {
    const size = sample.startsWith("cortex") ? "arm-none-eabi-size" : "avr-size";
    const out = await make(sample);
    const printed = await succeed(size, [join(out, `${sample}.elf`)]);
    const numbers = (printed.split("\n")[1] ?? "").trim().split(/\s+/).map(Number);
    const [text = 0, data = 0, bss = 0] = numbers;
    assert.ok(isAbout(text + data, Number(flash)), printed);
    assert.ok(isAbout(data + bss, Number(ram)), printed);
    const own = readFileSync(join(SAMPLES, sample, "README.md"), "utf8");
    assert.ok(own.includes(`${flash} octets of flash`), `its own README does not say ${flash}`);
  });
}
