/** The sample qos-minus-one-beacon on an emulated ATtiny85, behind Midge's own serial link. */
import { join } from "node:path";
import { test } from "node:test";
import { avrBoard, defines, make, serialLink } from "../kit/firmware.ts";
import { mosquittoSub, startMidge } from "../kit/processes.ts";

const BAUD_RATE = 9600;

test("a beacon's voltage comes without a connection", async (t) => {
  // An id with an octet that the framing has to escape.
  const id = 0x01c0;
  const out = await make("qos-minus-one-beacon", defines({ TOPIC_ID: id, PERIODS: 1, PERIOD: 6 }));
  const firmware = join(out, "qos-minus-one-beacon.elf");
  const words = ["--pin", "B", "0", String(BAUD_RATE), "--millivolts", "2700"];
  const board = await avrBoard(t, ...words, "attiny85", "1000000", firmware);
  const topic = `[[predefined_topic]]\nid = ${id}\nname = "beacons/cellar/millivolts"\n`;
  const more = serialLink(board.line, "slip", BAUD_RATE) + topic;
  const gateway = await startMidge(t, { more });
  const watcher = await mosquittoSub(t, gateway.mqttPort, "beacons/#");
  await watcher.until(
    (text) => (text.match(/^beacons\/cellar\/millivolts 2[67]\d\d$/gm) ?? []).length >= 2,
    "two messages, a waking apart",
  );
});
