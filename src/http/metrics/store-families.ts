/** Metrics of the store and of the disk that it is on. */
import { type MetricFacts, STORE_STATES, type StoreFacts } from "../facts.ts";
import { counter, type Family, gauge, stateSamples } from "./family.ts";

/** Reads what a store that keeps nothing on a disk does not have. */
function onDisk(read: (store: StoreFacts) => number | undefined) {
  return ({ store }: MetricFacts): number | undefined =>
    store.state === "memory" ? undefined : read(store);
}

export const STORE_FAMILIES: readonly Family[] = [
  {
    name: "midge_store_state",
    help: "State of the store: 1 for the one that holds. low and failing refuse what would have to be kept.",
    type: "gauge",
    labels: ["state"],
    samples: ({ store }) => stateSamples(STORE_STATES, store.state),
  },
  counter(
    "midge_store_commits_total",
    "Commits, each with one sync of the disk.",
    onDisk(({ commits }) => commits),
  ),
  counter(
    "midge_store_written_bytes_total",
    "Bytes handed to the store.",
    onDisk(({ bytes }) => bytes),
  ),
  gauge(
    "midge_store_unsafe_changes",
    "Changes that are not on the disk.",
    onDisk(({ unsafe }) => unsafe),
  ),
  gauge(
    "midge_store_unsafe_age_seconds",
    "Age of the oldest change that is not on the disk.",
    onDisk(({ unsafeAge }) => unsafeAge / 1000),
  ),
  gauge(
    "midge_store_unsafe_age_limit_seconds",
    "Age beyond which the disk counts as slow.",
    onDisk(({ unsafeLimit }) => unsafeLimit / 1000),
  ),
  gauge(
    "midge_store_damaged_folders",
    "Folders in which damaged files were set aside, and that nobody has removed.",
    ({ store }) => store.damaged.length,
  ),
  gauge(
    "midge_disk_written_today_bytes",
    "What Midge has written to the disk on this day, UTC.",
    onDisk(({ today }) => today),
  ),
  gauge(
    "midge_disk_written_year_bytes",
    "What Midge would write in a year that is as the last weeks were.",
    onDisk(({ perYear }) => perYear),
  ),
  gauge(
    "midge_disk_free_bytes",
    "Free on the disk of the store.",
    onDisk(({ free }) => free),
  ),
  gauge(
    "midge_disk_reserve_bytes",
    "What is to be left free on that disk.",
    onDisk(({ reserve }) => reserve),
  ),
];
