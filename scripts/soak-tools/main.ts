/** scripts/soak: a serial line that is full both ways and noisy, and whether everything comes through. */
import type { TestContext } from "node:test";
import { parseArgs } from "node:util";
import {
  type Saturation,
  type SaturationSettings,
  saturate,
} from "../../test/kit/saturated-line.ts";

const HELP = `Usage: scripts/soak [OPTIONS]

Keeps a noisy serial line busy both ways; see the head of scripts/soak.

  --seconds N     for so long (60)
  --baud RATE     at this rate (115200)
  --payload N     messages of so many bytes (64)
  --noise SHARE   part of the bytes that become others (0.01)
  --burst N       so many of them in a row on average (32)
  --seed N        the noise's (1)
  --help          print this text
`;

/** Of what the line and the framing could carry. */
const WANTED = 0.85;
/** Framing around a message of slip-crc16, and around the message's payload. */
const AROUND = 4 + 7;
const PUBACK = 4 + 7;

function settingsOf(words: readonly string[]): SaturationSettings | undefined {
  const options = {
    seconds: { type: "string", default: "60" },
    baud: { type: "string", default: "115200" },
    payload: { type: "string", default: "64" },
    noise: { type: "string", default: "0.01" },
    burst: { type: "string", default: "32" },
    seed: { type: "string", default: "1" },
    help: { type: "boolean" },
  } as const;
  const { help, ...values } = parseArgs({ args: [...words], options }).values;
  if (help === true) return undefined;
  for (const [option, word] of Object.entries(values)) {
    if (!(Number(word) >= 0)) throw new Error(`--${option} takes a number, not "${word}"`);
  }
  return {
    // The only one by which a changed message is known for such.
    framing: "slip-crc16",
    baudRate: Number(values.baud),
    payloadSize: Number(values.payload),
    share: Number(values.noise),
    burst: Number(values.burst),
    duration: Number(values.seconds) * 1000,
    seed: Number(values.seed),
  };
}

/** Part of the messages that can get through and be acknowledged if every byte is hit for itself. */
function chance({ share, payloadSize }: SaturationSettings, acknowledged: boolean): number {
  return (1 - share) ** (AROUND + payloadSize + (acknowledged ? PUBACK : 0));
}

function judge(result: Saturation, settings: SaturationSettings): readonly string[] {
  const { up, down, missing, forged } = result;
  const single = settings.burst === 1;
  const faults: string[] = [];
  if (missing.length > 0) faults.push(`${missing.length} acknowledged messages are missing`);
  if (forged.length + down.forged > 0) {
    faults.push(`${forged.length + down.forged} messages were never sent so`);
  }
  for (const [way, got, acknowledged] of [
    ["up", up.acknowledged / up.possible, true],
    ["down", down.came / down.possible, false],
  ] as const) {
    const part = `${way}: ${percent(got)} of what the line could carry`;
    const possible = percent(chance(settings, acknowledged));
    process.stdout.write(`${part}${single ? `, ${possible} by chance` : ""}\n`);
    if (!single && got < WANTED) faults.push(`${part}; wanted are ${percent(WANTED)}`);
  }
  return faults;
}

function percent(part: number): string {
  return `${(part * 100).toFixed(1)} %`;
}

async function run(settings: SaturationSettings): Promise<number> {
  const endings: (() => unknown)[] = [];
  const context = { after: (ending: () => unknown) => endings.unshift(ending) };
  try {
    const result = await saturate(context as unknown as TestContext, settings);
    const { up, changed, downRate } = result;
    process.stdout.write(
      `bytes changed: ${percent(changed.up)} up, ${percent(changed.down)} down; ` +
        `${downRate.toFixed(0)} bytes a second came down; ${up.acknowledged} messages acknowledged\n`,
    );
    const faults = judge(result, settings);
    for (const fault of faults) process.stdout.write(`WRONG  ${fault}\n`);
    return faults.length > 0 ? 1 : 0;
  } finally {
    for (const ending of endings) await ending();
  }
}

try {
  const settings = settingsOf(process.argv.slice(2));
  if (settings === undefined) process.stdout.write(HELP);
  else process.exitCode = await run(settings);
} catch (error) {
  process.stderr.write(`scripts/soak: ${(error as Error).message}\n`);
  process.exitCode = 1;
}
