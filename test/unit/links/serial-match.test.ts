/** Serial ports as the kernel's files tell of them, and which of them a link means. */
import assert from "node:assert/strict";
import { mkdirSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { describeMatch, findPorts } from "../../../src/links/serial-match.ts";
import { listSerialPorts, type Roots } from "../../../src/links/serial-ports.ts";
import { temporaryFolder } from "../../kit/config-file.ts";

interface Stick {
  readonly name: string;
  readonly vendor: string;
  readonly product: string;
  readonly serial: string;
}

/** A machine with USB sticks, a UART that is there, one that is not, and a console. */
function machine(t: TestContext, sticks: readonly Stick[]): Roots {
  const folder = temporaryFolder(t);
  const roots = { dev: join(folder, "dev"), sys: join(folder, "sys") };
  mkdirSync(join(roots.dev, "serial/by-id"), { recursive: true });
  const tty = (name: string) => {
    const place = join(roots.sys, "class/tty", name);
    mkdirSync(place, { recursive: true });
    writeFileSync(join(roots.dev, name), "");
    return place;
  };
  for (const { name, vendor, product, serial } of sticks) {
    const device = join(roots.sys, "devices/usb1", serial);
    const port = join(device, "1:1.0", name);
    mkdirSync(port, { recursive: true });
    writeFileSync(join(device, "idVendor"), `${vendor}\n`);
    writeFileSync(join(device, "idProduct"), `${product}\n`);
    writeFileSync(join(device, "serial"), `${serial}\n`);
    writeFileSync(join(device, "manufacturer"), "FTDI\n");
    writeFileSync(join(device, "product"), "FT232R USB UART\n");
    symlinkSync(port, join(tty(name), "device"));
    symlinkSync(join("../..", name), join(roots.dev, `serial/by-id/usb-FTDI_${serial}-if00`));
  }
  mkdirSync(join(roots.sys, "devices/uart"), { recursive: true });
  for (const [name, type] of [
    ["ttyS0", "4"],
    ["ttyS1", "0"],
  ] as const) {
    const place = tty(name);
    writeFileSync(join(place, "type"), type);
    symlinkSync(join(roots.sys, "devices/uart"), join(place, "device"));
  }
  tty("tty1");
  return roots;
}

const A = { name: "ttyUSB10", vendor: "0403", product: "6001", serial: "A1" };
const B = { name: "ttyUSB2", vendor: "0403", product: "6001", serial: "B:2" };
const C = { name: "ttyACM0", vendor: "2341", product: "0043", serial: "C3" };

test("ports are listed with what is plugged in, in the order of their numbers", async (t) => {
  const roots = machine(t, [A, B, C]);
  const ports = await listSerialPorts(roots);
  assert.deepEqual(
    ports.map(({ path }) => path.slice(roots.dev.length)),
    ["/ttyACM0", "/ttyS0", "/ttyUSB2", "/ttyUSB10"],
  );
  assert.deepEqual(ports[3], {
    path: join(roots.dev, "ttyUSB10"),
    byId: [join(roots.dev, "serial/by-id/usb-FTDI_A1-if00")],
    vendorId: "0403",
    productId: "6001",
    serialNumber: "A1",
    product: "FTDI FT232R USB UART",
  });
  assert.deepEqual(ports[1], { path: join(roots.dev, "ttyS0"), byId: [] });
});

test("a machine without such files has no ports", async (t) => {
  const folder = temporaryFolder(t);
  assert.deepEqual(await listSerialPorts({ dev: join(folder, "a"), sys: join(folder, "b") }), []);
});

test("a link means a path, a pattern, a USB device, or both", async (t) => {
  const roots = machine(t, [A, B, C]);
  const find = async (path: string, usb: string) =>
    (await findPorts({ path: path && roots.dev + path, usb }, roots)).map((one) =>
      one.slice(roots.dev.length),
    );
  assert.deepEqual(await find("/ttyUSB7", ""), ["/ttyUSB7"]);
  assert.deepEqual(await find("/ttyUSB*", ""), ["/ttyUSB10", "/ttyUSB2"]);
  assert.deepEqual(await find("/ttyUSB?", ""), ["/ttyUSB2"]);
  assert.deepEqual(await find("/serial/by-id/usb-FTDI_B:2-*", ""), [
    "/serial/by-id/usb-FTDI_B:2-if00",
  ]);
  assert.deepEqual(await find("/none/x*", ""), []);
  assert.deepEqual(await find("", "0403:6001"), ["/ttyUSB2", "/ttyUSB10"]);
  assert.deepEqual(await find("", "0403:6001:B:2"), ["/ttyUSB2"]);
  assert.deepEqual(await find("", "0403:6002"), []);
  assert.deepEqual(await find("/serial/by-id/usb-FTDI*", "0403:6001:A1"), ["/ttyUSB10"]);
});

test("what is sought is told in words", () => {
  assert.equal(describeMatch({ path: "/dev/a", usb: "" }), "/dev/a");
  assert.equal(describeMatch({ path: "", usb: "0403:6001" }), "a USB device 0403:6001");
  assert.equal(describeMatch({ path: "/dev/a*", usb: "1:2" }), "/dev/a* of a USB device 1:2");
});
