/** Who may see the metrics. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { SCRAPER_CLIENT_ID, ScraperLogin } from "../../../src/http/metrics/scraper-login.ts";
import { Reason } from "../../../src/mqtt/reason-codes.ts";
import { ScriptedAccess } from "../../kit/scripted-access.ts";

const LISTENER = "http";

function basic(text: string): string {
  return `Basic ${Buffer.from(text).toString("base64")}`;
}

function stand(access = new ScriptedAccess()) {
  return { access, login: new ScraperLogin({ access, listener: LISTENER }) };
}

describe("a scraper", () => {
  test("comes in as a client of the web server, with the name and password of HTTP Basic", async () => {
    const { access, login } = stand();
    assert.equal(await login.check(basic("ada:pass:wörd"), "10.0.0.1"), "allowed");
    assert.deepEqual(access.asked, [
      {
        clientId: SCRAPER_CLIENT_ID,
        username: "ada",
        password: Buffer.from("pass:wörd"),
        verified: false,
        address: "10.0.0.1",
        listener: LISTENER,
        origin: "websocket",
      },
    ]);
  });

  test("without a header, or with another, is anonymous", async () => {
    for (const header of [undefined, "", "Bearer abc", "Basic ???", basic("no colon")]) {
      const { access, login } = stand();
      assert.equal(await login.check(header, "10.0.0.1"), "allowed");
      assert.deepEqual(
        [access.asked[0]?.username, access.asked[0]?.password],
        [undefined, undefined],
      );
    }
  });

  test("must be let in, and may have to wait after too many wrong passwords", async () => {
    const { access, login } = stand();
    access.refusal = Reason.notAuthorized;
    assert.equal(await login.check(undefined, "10.0.0.1"), "login");
    access.refusal = Reason.serverBusy;
    assert.equal(await login.check(basic("a:b"), "10.0.0.1"), "busy");
  });

  test("must be allowed to read what the broker tells of itself", async () => {
    for (const rights of [
      { maySubscribe: (filter: string) => !filter.startsWith("$SYS/") },
      { mayReceive: (topic: string) => !topic.startsWith("$SYS/") },
    ]) {
      const { login } = stand(new ScriptedAccess(rights));
      assert.equal(await login.check(undefined, "10.0.0.1"), "forbidden");
    }
  });
});

describe("one who comes again", () => {
  test("is not asked for his password again while it would be right", async () => {
    const { access, login } = stand();
    for (let round = 0; round < 3; round++) await login.check(basic("ada:x"), "10.0.0.1");
    assert.equal(access.asked.length, 1);
    await login.check(basic("ada:y"), "10.0.0.1");
    assert.equal(access.asked.length, 2);
    access.admitted = () => false;
    await login.check(basic("ada:y"), "10.0.0.1");
    assert.equal(access.asked.length, 3);
  });

  test("has the rights that hold now", async () => {
    const { access, login } = stand();
    assert.equal(await login.check(basic("ada:x"), "10.0.0.1"), "allowed");
    access.change({ mayReceive: () => false });
    assert.equal(await login.check(basic("ada:x"), "10.0.0.1"), "forbidden");
  });
});
