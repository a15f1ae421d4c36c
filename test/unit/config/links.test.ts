/** Links over serial ports and TCP in the configuration. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { load, problemsOf, warningsOf } from "../../kit/config-file.ts";

test("a serial link needs no more than its port", (t) => {
  const { config, warnings } = load(t, '[[link]]\ntype = "serial"\npath = "/dev/ttyUSB0"\n');
  const [link] = config.link;
  assert.deepEqual(
    [link?.name, link?.framing, link?.baud_rate, link?.max_frame, link?.retry_interval],
    ["serial-ttyUSB0", "slip", 115_200, 1024, 10],
  );
  assert.deepEqual(warnings, []);
});

test("links are named by what they are on, and messages are as long as it allows", (t) => {
  const { config } = load(
    t,
    `[[link]]
[[link]]
type = "serial"
path = "/dev/serial/by-id/usb-Digi_*"
framing = "xbee2"
retry_interval = 0.5
[[link]]
type = "serial"
usb = "0403:6001:A5"
[[link]]
type = "tcp"
remote = "tcp://10.0.0.7:2000"
max_frame = 100
`,
  );
  assert.deepEqual(
    config.link.map(({ name, max_frame }) => [name, max_frame]),
    [
      ["udp-1884", 1400],
      ["serial-usb-Digi_", 72],
      ["serial-0403:6001:A5", 1024],
      ["tcp-10.0.0.7:2000", 100],
    ],
  );
  assert.equal(config.link[1]?.retry_interval, 0.5);
});

const WRONG: readonly (readonly [string, string])[] = [
  [
    'type = "serial"',
    "link[0]: a serial link needs path or usb; `midge ports` lists what there is",
  ],
  ['type = "tcp"', 'link[0]: a link over TCP needs remote = "tcp://host:port"'],
  ['type = "tcp"\nremote = "10.0.0.7"', 'link[0].remote: expected "tcp://host:port", or "", got'],
  ['type = "serial"\npath = "ttyUSB0"', "link[0].path: expected a path such as"],
  ['type = "serial"\npath = "/dev/*/x"', "link[0].path: expected a path such as"],
  ['type = "serial"\nusb = "403:6001"', "link[0].usb: expected vendor:product"],
  [
    'type = "serial"\npath = "/dev/a"\nflow_control = "xonxoff"',
    'link[0].flow_control: messages in framing "slip" have the bytes XON and XOFF in them',
  ],
  [
    'type = "serial"\npath = "/dev/a"\n[[link]]\ntype = "serial"\npath = "/dev/a"\nname = "b"',
    "link[1].path: link[0] is on this already",
  ],
];

for (const [lines, told] of WRONG) {
  test(`${JSON.stringify(lines)} is refused`, (t) => {
    const problems = problemsOf(t, `[[link]]\n${lines}\n`);
    assert.ok(
      problems.some((problem) => problem.includes(told)),
      problems.join("\n"),
    );
  });
}

test("what means nothing to a link of its type is told", (t) => {
  const content = '[[link]]\nbaud_rate = 9600\npath = "/dev/a"\nframing = "slip"\n';
  assert.deepEqual(warningsOf(t, content), [
    'midge.toml:2: link[0].baud_rate: has no effect: the link is of type "udp"',
    'midge.toml:3: link[0].path: has no effect: the link is of type "udp"',
  ]);
});

test("several links may take ports of one pattern, and UDP ports of lines are none", (t) => {
  const one = '[[link]]\ntype = "serial"\npath = "/dev/ttyUSB*"\n';
  const { config, warnings } = load(t, `${one}name = "a"\n${one}name = "b"\n[[link]]\n`);
  assert.equal(config.link.length, 3);
  assert.deepEqual(warnings, []);
});
