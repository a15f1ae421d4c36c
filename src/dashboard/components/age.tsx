/** How long ago something was, ticking. */
import { useComputed } from "@preact/signals";
import { ageInWords, timeOfDay } from "../model/wording.ts";
import type { PageState } from "../page-state.ts";

interface AgeProps {
  readonly page: PageState;
  /** By the monotonic clock, ms. It does not change: a component with another key stands for another time. */
  readonly at: number;
}

export function Age({ page, at }: AgeProps) {
  // A signal as a child changes the text alone, and only when it reads differently.
  const words = useComputed(() => ageInWords(page.now.value - at));
  return <time title={timeOfDay(page.wallOf(at))}>{words}</time>;
}
