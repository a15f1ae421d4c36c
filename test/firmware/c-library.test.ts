/** The C parts that every sample has, on this machine under the sanitizers. */
import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { after, test } from "node:test";
import { succeed } from "../kit/firmware.ts";

const STRICT = ["-std=c99", "-pedantic", "-Wall", "-Wextra", "-Wconversion", "-Werror"];
const SANITIZED = ["-g", "-O1", "-fsanitize=address,undefined", "-fno-sanitize-recover=all"];
const CLIENT = ["mqttsn/mqttsn.c"];

const folder = mkdtempSync(join(tmpdir(), "midge-c-"));
after(() => rmSync(folder, { recursive: true, force: true }));

/** Builds a test program and runs it; `options` are for the compiler. */
async function build(
  program: string,
  parts: readonly string[],
  ...options: string[]
): Promise<string> {
  const file = join(folder, `${basename(program, ".c")}${options.join("")}`);
  const flags = ["-Wall", "-Wextra", "-Werror", "-std=c99", ...SANITIZED];
  await succeed("cc", [...flags, ...options, "-o", file, program, ...parts]);
  return file;
}

for (const longest of [64, 300]) {
  test(`the client does what MQTT-SN asks with messages of up to ${longest} octets`, async () => {
    const option = `-DMQTTSN_MAX_FRAME=${longest}`;
    const file = await build("mqttsn/test/test-mqttsn.c", CLIENT, option);
    assert.match(await succeed(file, []), / 0 failures/);
  });
}

for (const longest of [16, 64, 300]) {
  test(`the client takes random frames with a buffer of ${longest} octets, and is usable afterwards`, async () => {
    const option = `-DMQTTSN_MAX_FRAME=${longest}`;
    const fuzz = await build("mqttsn/test/fuzz-mqttsn.c", CLIENT, option);
    for (const seed of ["1", "2", "3"]) {
      assert.match(await succeed(fuzz, [seed, "150000"]), / 0 failures/);
    }
  });
}

test("the framing reads what it writes, after any noise", async () => {
  const file = await build("mqttsn/test/test-slip.c", ["mqttsn/slip.c"]);
  assert.match(await succeed(file, []), /^0 failures/m);
});

test("the forwarder's encapsulation takes nothing that is broken", async () => {
  const parts = ["radio-forwarder/forwarder.c"];
  const file = await build("radio-forwarder/test/test-forwarder.c", parts);
  assert.match(await succeed(file, []), /^0 failures/m);
});

test("the library is C99 without a warning, for 8, 32 and 64 bits", async () => {
  const sources = ["mqttsn/mqttsn.c", "mqttsn/slip.c", "radio-forwarder/forwarder.c"];
  for (const source of sources) {
    const output = ["-c", "-o", join(folder, "checked.o"), source];
    await succeed("cc", [...STRICT, ...output]);
    await succeed("arm-none-eabi-gcc", [...STRICT, "-mcpu=cortex-m0", "-mthumb", ...output]);
    const avr = ["-std=c99", "-pedantic", "-Wall", "-Wextra", "-Werror", "-mmcu=atmega328p", "-Os"];
    await succeed("avr-gcc", [...avr, ...output]);
  }
});

test("a C++ program may include the headers", async () => {
  const text = '#include "mqttsn.h"\n#include "slip.h"\nint main() { return MQTTSN_OK; }\n';
  const file = join(folder, "includes.cpp");
  writeFileSync(file, text);
  await succeed("c++", [
    "-std=c++11",
    "-Wall",
    "-Wextra",
    "-Werror",
    "-Imqttsn",
    "-c",
    file,
    "-o",
    `${file}.o`,
  ]);
});
