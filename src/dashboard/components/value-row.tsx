/** One topic in the table of live values; pressing it shows the whole payload. */
import type { Value } from "../model/value-store.ts";
import { visibleText } from "../model/visible-text.ts";
import { countInWords } from "../model/wording.ts";
import type { PageState } from "../page-state.ts";
import { Age } from "./age.tsx";
import { memo } from "./memo.ts";
import { PayloadLine, PayloadWhole } from "./payload.tsx";

const LONGEST_TOPIC = 200;

interface ValueRowProps {
  readonly page: PageState;
  readonly value: Value;
  readonly expanded: boolean;
}

export const ValueRow = memo(({ page, value, expanded }: ValueRowProps) => {
  const toggle = () => {
    page.expandedTopic.value = expanded ? undefined : value.topic;
  };
  return (
    <>
      <tr>
        <th scope="row">
          <button type="button" class="topic" aria-expanded={expanded} onClick={toggle}>
            <bdi>{visibleText(value.topic, LONGEST_TOPIC)}</bdi>
          </button>
        </th>
        <td class="value">
          {/* Another key makes another element, whose highlight runs from its beginning. */}
          <span key={value.count} class={value.count > 1 ? "changed" : undefined}>
            <PayloadLine value={value} />
          </span>
        </td>
        <td class="age">
          {value.stored ? (
            <span class="badge" title="Kept by the broker from before this page connected.">
              retained
            </span>
          ) : (
            <Age key={value.heardAt} page={page} at={value.heardAt} />
          )}
        </td>
        <td class="wide number">{countInWords(value.count)}</td>
      </tr>
      {expanded && (
        <tr class="whole">
          <td colSpan={4}>
            <PayloadWhole value={value} />
          </td>
        </tr>
      )}
    </>
  );
});
