/** What an operator is told at the top of the page. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import {
  type HealthProblem,
  type Notice,
  noticesOf,
} from "../../../src/dashboard/model/notices.ts";
import type { StoreStatus } from "../../../src/dashboard/model/store-status.ts";

const WELL: StoreStatus = {
  state: "ok",
  isStrict: true,
  folder: "/data",
  problem: "",
  damaged: [],
  unsafeCount: 3,
  unsafeAge: 1200,
  unsafeLimit: 15_000,
  writtenToday: 12,
  writtenYear: undefined,
  free: 12_300_000,
  reserve: 16_000_000,
};

function ofStore(some: Partial<StoreStatus>): Notice {
  const notices = noticesOf({ ...WELL, ...some }, []);
  assert.equal(notices.length, 1);
  return notices[0] as Notice;
}

test("nothing is told of a store that is well, or in memory", () => {
  assert.deepEqual(noticesOf(undefined, []), []);
  for (const state of ["ok", "memory"] as const)
    assert.deepEqual(noticesOf({ ...WELL, state }, []), []);
});

describe("a disk that takes nothing", () => {
  test("is told with what the disk says, what is safe, and what to do", () => {
    const full = { state: "failing", problem: "IO error: No space left on device" } as const;
    const { severity, text, action, detail } = ofStore(full);
    assert.equal(severity, "bad");
    assert.match(text, /are refused; everything else goes on\. What was acknowledged is safe\.$/);
    assert.equal(action, "Make room on the disk of /data. Midge goes on by itself then.");
    assert.equal(
      detail,
      "The disk says: IO error: No space left on device. 3 changes wait to be written, the oldest for 2 s.",
    );
  });

  test("and is read-only is to be made writable, or replaced", () => {
    const { action } = ofStore({ state: "failing", problem: "Read-only file system" });
    assert.match(action, /writable again.*replace it/);
  });

  test("is looked after where what it says is nothing known", () => {
    const { action, detail } = ofStore({ state: "failing", folder: "", unsafeCount: 0 });
    assert.match(action, /Look after the disk;/);
    assert.equal(detail, "");
  });

  test("has what was acknowledged last in danger unless the store is strict", () => {
    assert.match(ofStore({ state: "failing", isStrict: false }).text, /is not yet\.$/);
  });
});

test("a disk that is almost full is told with what is free and what is to be", () => {
  const { severity, action, detail } = ofStore({ state: "low" });
  assert.equal(severity, "bad");
  assert.match(action, /Make room on the disk of \/data, or lower store\.reserve/);
  assert.equal(detail, "12.3\u202fMB free; 16.0\u202fMB are to be left free.");
});

test("a disk that is slow is told with how long it has taken nothing", () => {
  const { severity, text, detail } = ofStore({ state: "slow", unsafeCount: 1, unsafeAge: 48_000 });
  assert.equal(severity, "waiting");
  assert.match(text, /what was acknowledged is safe/);
  assert.match(detail, /1 change waits to be written, the oldest for 48 s\. Up to 15 s is usual\./);
  assert.match(ofStore({ state: "slow", isStrict: false }).text, /A power cut would lose/);
});

test("damage is told with the folders to look into and to remove", () => {
  const { severity, places, action } = ofStore({ damaged: ["damaged-1", "damaged-2"] });
  assert.equal(severity, "waiting");
  assert.deepEqual(places, ["/data/damaged-1", "/data/damaged-2"]);
  assert.match(action, /REPORT\.txt.*remove the folders/);
  assert.deepEqual(ofStore({ folder: "", damaged: ["damaged-1"] }).places, ["damaged-1"]);
});

describe("what health tells", () => {
  const link: HealthProblem = { part: "link", name: "radio", isFailing: true, text: "It is off." };

  test("of other parts is told as well, what is worst first", () => {
    const notices = noticesOf({ ...WELL, damaged: ["damaged-1"] }, [link]);
    assert.deepEqual(
      notices.map(({ severity, title }) => [severity, title]),
      [
        ["bad", "A link is down."],
        ["waiting", "Damaged files were found when Midge started."],
      ],
    );
    assert.equal(notices[0]?.text, "It is off.");
  });

  test("of bridges is shown elsewhere, of the store where the store itself says nothing", () => {
    const problems = [
      { ...link, part: "bridge" },
      { ...link, part: "store" },
    ];
    assert.deepEqual(noticesOf(WELL, problems), []);
    assert.equal(noticesOf(undefined, problems).length, 1);
  });

  test("of parts that this page does not know is told, too", () => {
    const [notice] = noticesOf(WELL, [{ ...link, part: "constructor", isFailing: false }]);
    assert.deepEqual([notice?.title, notice?.severity], ["Something needs attention.", "waiting"]);
  });
});
