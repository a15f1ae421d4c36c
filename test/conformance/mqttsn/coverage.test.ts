/** Every clause of MQTT-SN 1.2 on formats and procedures, and every decision, has a test named after it. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { test } from "node:test";
import { titlesIn } from "../../kit/statement-coverage.ts";
import { CLAUSES, DECISIONS, EXEMPT } from "./statements.ts";

const titles = [
  ...titlesIn(import.meta.dirname),
  ...titlesIn(join(import.meta.dirname, "../../unit/gateway")),
];

function named(pattern: RegExp): ReadonlySet<string> {
  return new Set(titles.flatMap((title) => pattern.exec(title)?.[1] ?? []));
}

const clauses = named(/^MQTT-SN 1\.2 §(\d[\d.]*): /);
const decisions = named(/^decisions: ([^:]+): /);

test("every clause has a test or an exemption", () => {
  assert.equal(new Set(CLAUSES).size, 60);
  assert.deepEqual(
    CLAUSES.filter((clause) => !clauses.has(clause) && EXEMPT[clause] === undefined),
    [],
  );
});

test("every decision has a test", () => {
  assert.deepEqual(
    DECISIONS.filter((decision) => !decisions.has(decision)),
    [],
  );
});

test("no title and no exemption names a clause or a decision that does not exist, and none is both", () => {
  assert.deepEqual(
    [...clauses, ...Object.keys(EXEMPT)].filter((clause) => !CLAUSES.includes(clause)),
    [],
  );
  assert.deepEqual(
    [...decisions].filter((decision) => !DECISIONS.includes(decision)),
    [],
  );
  assert.deepEqual(
    Object.keys(EXEMPT).filter((clause) => clauses.has(clause)),
    [],
  );
});
