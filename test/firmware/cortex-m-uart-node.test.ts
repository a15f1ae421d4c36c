/** The sample cortex-m-uart-node on QEMU's LM3S6965 board, behind Midge's own serial link. */
import { join } from "node:path";
import { cortexBoard, defines, make } from "../kit/firmware.ts";
import { testUartNode } from "../kit/uart-node-tests.ts";

testUartNode({
  name: "the Cortex-M node",
  clientId: "cortex-1",
  baudRate: 115_200,
  // The emulated converter gives half of its range and a little.
  temperature: /3[345]\.\d/,
  start: async (t, checked) => {
    const values = { NODE_RETRY: 250, FRAMING_CHECKED: checked ? 1 : 0 };
    const out = await make("cortex-m-uart-node", defines(values));
    return await cortexBoard(t, join(out, "cortex-m-uart-node.elf"));
  },
});
