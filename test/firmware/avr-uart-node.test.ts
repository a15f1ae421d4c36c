/** The sample avr-uart-node on an emulated ATmega328P, behind Midge's own serial link. */
import { join } from "node:path";
import { avrBoard, defines, make } from "../kit/firmware.ts";
import { testUartNode } from "../kit/uart-node-tests.ts";

testUartNode({
  name: "the AVR node",
  clientId: "uno-1",
  baudRate: 57_600,
  temperature: /2[45]\.\d/,
  start: async (t, checked) => {
    const values = { NODE_SLEEP: 0, NODE_RETRY: 250, FRAMING_CHECKED: checked ? 1 : 0 };
    const out = await make("avr-uart-node", defines(values));
    const firmware = join(out, "avr-uart-node.elf");
    return await avrBoard(t, "--temperature", "314", "atmega328p", "16000000", firmware);
  },
});
