/** What an operator must know at once: what happened, what is safe all the same, and what to do. */
import type { StoreStatus } from "./store-status.ts";
import { ageInWords, bytesInWords, plural } from "./wording.ts";

export interface Notice {
  /** Tells it from others, and stays while the text changes. */
  readonly key: string;
  /** `bad`: something is refused or out of service. */
  readonly severity: "bad" | "waiting";
  readonly title: string;
  /** What it means; it stays the same while the notice stands. */
  readonly text: string;
  /** Places that the text is about. */
  readonly places: readonly string[];
  /** What to do; "" where the text says it all. */
  readonly action: string;
  /** Figures, which change. */
  readonly detail: string;
}

/** As `/api/v1/health` tells it. */
export interface HealthProblem {
  readonly part: string;
  readonly name: string;
  readonly isFailing: boolean;
  readonly text: string;
}

const REFUSED = "Messages that would have to be kept are refused; everything else goes on.";
const BY_ITSELF = "Midge goes on by itself then.";

/** In order of their weight. `problems` of the store count where the store tells nothing itself. */
export function noticesOf(
  store: StoreStatus | undefined,
  problems: readonly HealthProblem[],
): readonly Notice[] {
  const ofParts = problems
    // The bridges are shown with their states.
    .filter(({ part }) => part !== "bridge" && (part !== "store" || store === undefined))
    .map(ofHealth);
  const notices = [...(store === undefined ? [] : ofStore(store)), ...ofParts];
  return notices.sort((a, b) => Number(b.severity === "bad") - Number(a.severity === "bad"));
}

function ofStore(store: StoreStatus): Notice[] {
  const notices: Notice[] = [];
  switch (store.state) {
    case "failing":
      notices.push(failing(store));
      break;
    case "low":
      notices.push(low(store));
      break;
    case "slow":
      notices.push(slow(store));
      break;
    case "ok":
    case "memory":
  }
  if (store.damaged.length > 0) notices.push(damaged(store));
  return notices;
}

function failing(store: StoreStatus): Notice {
  const { isStrict, problem } = store;
  const safe = isStrict
    ? "What was acknowledged is safe."
    : "What is on the disk is safe; what was acknowledged last is not yet.";
  return {
    key: "store-state",
    severity: "bad",
    title: "The disk takes nothing.",
    text: `${REFUSED} ${safe}`,
    places: [],
    action: `${remedy(store)} ${BY_ITSELF}`,
    detail: [problem === "" ? "" : `The disk says: ${problem}.`, waiting(store)]
      .filter(Boolean)
      .join(" "),
  };
}

function remedy(store: StoreStatus): string {
  const { problem } = store;
  if (/no space|enospc|quota/i.test(problem)) return `Make room on ${diskOf(store)}.`;
  if (/read-only|erofs/i.test(problem)) {
    return `Make ${diskOf(store)} writable again. A card that turns read-only by itself is worn out: replace it.`;
  }
  return `Look after ${diskOf(store)}; the system's log may say more.`;
}

function low(store: StoreStatus): Notice {
  const { free, reserve } = store;
  return {
    key: "store-state",
    severity: "bad",
    title: "The disk is almost full.",
    text: `${REFUSED} What is stored is safe.`,
    places: [],
    action: `Make room on ${diskOf(store)}, or lower store.reserve. ${BY_ITSELF}`,
    detail:
      free === undefined || reserve === undefined
        ? ""
        : `${bytesInWords(free)} free; ${bytesInWords(reserve)} are to be left free.`,
  };
}

function slow(store: StoreStatus): Notice {
  return {
    key: "store-state",
    severity: "waiting",
    title: "The disk is slow.",
    text: store.isStrict
      ? "Publishers wait long for their acknowledgements; what was acknowledged is safe."
      : "A power cut would lose what was acknowledged while the disk took nothing.",
    places: [],
    action: "A card that hesitates like this may be worn out: run midge backup, and replace it.",
    detail: `${waiting(store)} Up to ${ageInWords(store.unsafeLimit)} is usual.`,
  };
}

function damaged({ damaged: folders, folder }: StoreStatus): Notice {
  const isOne = folders.length === 1;
  return {
    key: "store-damaged",
    severity: "waiting",
    title: "Damaged files were found when Midge started.",
    text: `All that was whole in them is in use. The damaged files were set aside, with a report, in ${isOne ? "this folder" : "these folders"}:`,
    places: folders.map((name) => (folder === "" ? name : `${folder}/${name}`)),
    action: `Read REPORT.txt there to learn what is lost, then remove the ${isOne ? "folder: this message goes with it" : "folders: this message goes with them"}.`,
    detail: "",
  };
}

function waiting({ unsafeCount, unsafeAge }: StoreStatus): string {
  if (unsafeCount === 0) return "";
  const wait = unsafeCount === 1 ? "waits" : "wait";
  return `${plural(unsafeCount, "change")} ${wait} to be written, the oldest for ${ageInWords(Math.max(2000, unsafeAge))}.`;
}

function diskOf({ folder }: StoreStatus): string {
  return folder === "" ? "the disk" : `the disk of ${folder}`;
}

const TITLES: ReadonlyMap<string, string> = new Map([
  ["broker", "Midge is at a limit."],
  ["store", "The store needs attention."],
  ["listener", "A listener is down."],
  ["link", "A link is down."],
  ["upstream", "The upstream broker is away."],
]);

function ofHealth({ part, name, isFailing, text }: HealthProblem): Notice {
  return {
    key: `${part}-${name}-${text}`,
    severity: isFailing ? "bad" : "waiting",
    title: TITLES.get(part) ?? "Something needs attention.",
    text,
    places: [],
    action: "",
    detail: "",
  };
}
