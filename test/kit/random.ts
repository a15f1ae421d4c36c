/** Seeded random numbers, for tests that are to be repeatable. */
export { seededRandom } from "../../src/time/seeded-random.ts";
