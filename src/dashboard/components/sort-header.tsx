/** A column's head that sorts by it, and the other way round when pressed again. */
import type { Order } from "../page-state.ts";

interface SortHeaderProps<Column extends string> {
  readonly column: Column;
  readonly title: string;
  readonly order: Order<Column>;
  readonly sort: (order: Order<Column>) => void;
  /** Largest first when pressed for the first time. */
  readonly largestFirst?: boolean;
  readonly class?: string;
}

export function SortHeader<Column extends string>(props: SortHeaderProps<Column>) {
  const { column, title, order, sort, largestFirst = false } = props;
  const current = order.column === column;
  const descending = current ? !order.descending : largestFirst;
  const direction = order.descending ? "descending" : "ascending";
  return (
    <th scope="col" class={props.class} aria-sort={current ? direction : "none"}>
      <button type="button" class="sort" onClick={() => sort({ column, descending })}>
        {title}
        <span class="arrow" aria-hidden="true">
          {current ? (order.descending ? "↓" : "↑") : ""}
        </span>
      </button>
    </th>
  );
}
