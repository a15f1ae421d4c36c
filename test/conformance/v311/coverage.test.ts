/** Every normative statement of MQTT 3.1.1 has a test that names it in its title, or a reason why not. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { statementsNamedIn } from "../../kit/statement-coverage.ts";
import { EXEMPT, STATEMENTS } from "./statements.ts";

// Only the tests of this folder count: elsewhere a number may be one of MQTT 5.0, where most mean
// something else.
const named = statementsNamedIn(import.meta.dirname);

test("there are 141 statements, each with one number", () => {
  assert.equal(STATEMENTS.length, 141);
  assert.equal(new Set(STATEMENTS).size, 141);
});

test("every statement has a test or an exemption", () => {
  assert.deepEqual(
    STATEMENTS.filter((id) => !named.has(id) && EXEMPT[id] === undefined),
    [],
  );
});

test("no title and no exemption names a statement that does not exist, and none is both", () => {
  const known = new Set(STATEMENTS);
  assert.deepEqual(
    [...named, ...Object.keys(EXEMPT)].filter((id) => id === undefined || !known.has(id)),
    [],
  );
  assert.deepEqual(
    Object.keys(EXEMPT).filter((id) => named.has(id)),
    [],
  );
});
