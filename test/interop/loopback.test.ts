/** Where nothing says where to listen: this machine only, by both versions of IP as far as there are two. */
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { connect } from "node:net";
import { networkInterfaces } from "node:os";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { freePort } from "../kit/ports.ts";
import { MIDGE, midge, Program, runToEnd, temporaryFolder } from "../kit/processes.ts";

function emptyConf(t: TestContext): string {
  const file = join(temporaryFolder(t), "mosquitto.conf");
  writeFileSync(file, "");
  return file;
}

const addresses = Object.values(networkInterfaces()).flatMap((found) => found ?? []);
const hasIpv6 = addresses.some(({ address }) => address === "::1");

test("-p listens on 127.0.0.1 and ::1, and nowhere else", { skip: !hasIpv6 }, async (t) => {
  const [one, two] = await Promise.all([freePort(), freePort()]);
  const program = midge(t, "-c", emptyConf(t), "-p", String(one), "-p", String(two), "-v");
  await program.until((text) => text.includes("Midge is ready."), "readiness");
  for (const port of [one, two]) {
    for (const host of ["127.0.0.1", "::1", "localhost"]) {
      const words = ["-h", host, "-p", String(port), "-t", "a", "-m", "b", "-q", "1"];
      const { code, errors } = await runToEnd(t, "mosquitto_pub", words);
      assert.equal(code, 0, `${host} ${errors}`);
    }
    assert.match(program.output + program.errors, new RegExp(`Opening ipv6 .* port ${port}\\.`));
  }
  const others = addresses.filter(({ internal, scopeid }) => !internal && !scopeid);
  for (const { address } of others) assert.equal(await answers(address, one as number), false);
});

function answers(host: string, port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ host, port });
    const end = (open: boolean): void => {
      socket.destroy();
      resolve(open);
    };
    socket.setTimeout(1000, () => end(false));
    socket.once("connect", () => end(true));
    socket.once("error", () => end(false));
  });
}

const WITHOUT_IPV6 =
  'ip link set lo up && echo 1 > /proc/sys/net/ipv6/conf/all/disable_ipv6 && exec "$@"';

/** Words that run a program in a network of its own without IPv6. */
function withoutIpv6(...words: string[]): [string, string[]] {
  return ["unshare", ["-n", "sh", "-c", WITHOUT_IPV6, "sh", ...words]];
}

function mayUnshare(): boolean {
  try {
    execFileSync(...withoutIpv6("true"), { stdio: "ignore" });
    return true;
  } catch {
    return false;
  }
}

test("a machine without IPv6 goes on with 127.0.0.1", { skip: !mayUnshare() }, async (t) => {
  const words = withoutIpv6(process.execPath, MIDGE, "-c", emptyConf(t), "-p", "1883", "-v");
  const program = new Program(t, ...words);
  await program.until((text) => text.includes("Midge is ready."), "readiness");
  assert.match(
    program.output + program.errors,
    /cannot listen on ::1:1883: this machine has no such address .*; going on without it/,
  );
  program.signal("SIGTERM");
  assert.equal(await program.end(), 0);
});

test("--test-config without a file is a mistake", async (t) => {
  const program = midge(t, "--test-config");
  assert.equal(await program.end(), 3);
  assert.match(program.errors, /needs the file to test: -c FILE/);
});
