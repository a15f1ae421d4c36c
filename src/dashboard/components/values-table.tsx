/** The last message of every topic, with a filter. */

import type { ValueColumn, ValueView } from "../model/value-view.ts";
import { countInWords, plural } from "../model/wording.ts";
import { type PageState, ROWS_PER_STEP } from "../page-state.ts";
import { SortHeader } from "./sort-header.tsx";
import { ValueRow } from "./value-row.tsx";

export function ValuesTable({ page }: { readonly page: PageState }) {
  const view = page.values.value;
  return (
    <section class="card" id="values" aria-labelledby="values-title">
      <div class="card-head">
        <h2 id="values-title">Live values</h2>
        <Filter page={page} />
        <p class="muted tally">{tally(view)}</p>
      </div>
      {view.total === 0 && <NoValue />}
      {view.total > 0 && view.matching === 0 && (
        <p class="empty">No topic holds these words. Clear the filter to see them all.</p>
      )}
      {view.rows.length > 0 && <Rows page={page} view={view} />}
      {view.matching > view.rows.length && (
        <p class="more">
          {plural(view.matching - view.rows.length, "more topic")} not shown.{" "}
          <button type="button" onClick={() => page.showMore()}>
            Show {ROWS_PER_STEP} more
          </button>
        </p>
      )}
    </section>
  );
}

function Filter({ page }: { readonly page: PageState }) {
  return (
    <input
      type="search"
      placeholder="Filter topics"
      aria-label="Filter topics"
      autocomplete="off"
      spellcheck={false}
      maxLength={200}
      value={page.filter.value}
      onInput={(event) => page.setFilter(event.currentTarget.value)}
    />
  );
}

function Rows({ page, view }: { readonly page: PageState; readonly view: ValueView }) {
  return (
    <table class="values" aria-labelledby="values-title">
      <thead>
        <tr>
          <ValueHeader page={page} column="topic" title="Topic" />
          <th scope="col">Value</th>
          <ValueHeader page={page} column="age" title="Age" class="age" />
          <ValueHeader page={page} column="count" title="Messages" class="wide number" />
        </tr>
      </thead>
      <tbody>
        {view.rows.map((value) => (
          <ValueRow
            key={value.topic}
            page={page}
            value={value}
            expanded={page.expandedTopic.value === value.topic}
          />
        ))}
      </tbody>
    </table>
  );
}

interface ValueHeaderProps {
  readonly page: PageState;
  readonly column: ValueColumn;
  readonly title: string;
  readonly class?: string;
}

function ValueHeader({ page, ...header }: ValueHeaderProps) {
  return (
    <SortHeader
      {...header}
      order={page.valueOrder.value}
      sort={(order) => page.sortValues(order)}
      largestFirst={header.column === "count"}
    />
  );
}

function tally({ matching, total, missed }: ValueView): string {
  if (total === 0) return "";
  const shown =
    matching === total
      ? plural(total, "topic")
      : `${countInWords(matching)} of ${plural(total, "topic")}`;
  return missed > 0 ? `${shown}, the ones heard last` : shown;
}

function NoValue() {
  const { hostname } = window.location;
  return (
    <div class="empty">
      <p>
        <strong>No message yet.</strong>
      </p>
      <p>
        Publish one: <code>mosquitto_pub -h {hostname} -t hello -m world</code>
      </p>
    </div>
  );
}
