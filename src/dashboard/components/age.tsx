/** How long ago something was, ticking. */
import { ageInWords, timeOfDay } from "../model/wording.ts";
import type { PageState } from "../page-state.ts";

interface AgeProps {
  readonly page: PageState;
  /** By the monotonic clock, ms. */
  readonly at: number;
}

export function Age({ page, at }: AgeProps) {
  return <time title={timeOfDay(page.wallOf(at))}>{ageInWords(page.now.value - at)}</time>;
}
