/** The store: whether it takes what is to be kept, and what it costs the disk. */
import type { StoreState, StoreStatus } from "../model/store-status.ts";
import { ageInWords, bytesInWords, plural } from "../model/wording.ts";
import type { PageState } from "../page-state.ts";

const STATES: Readonly<Record<StoreState, { readonly style: string; readonly text: string }>> = {
  ok: { style: "badge good", text: "OK" },
  slow: { style: "badge waiting", text: "Slow" },
  low: { style: "badge bad", text: "Almost full" },
  failing: { style: "badge bad", text: "Not writing" },
  memory: { style: "badge", text: "Memory only" },
};

export function Store({ page }: { readonly page: PageState }) {
  const store = page.store.value;
  if (store === undefined) return null;
  const { style, text } = STATES[store.state];
  return (
    <section class="strip store" aria-labelledby="store-title">
      <h2 id="store-title">Store</h2>
      <span class={style}>{text}</span>
      {store.state === "memory" ? (
        <p class="muted">A restart loses all that is kept for clients that are away.</p>
      ) : (
        <StoreFigures store={store} />
      )}
    </section>
  );
}

function StoreFigures({ store }: { readonly store: StoreStatus }) {
  const { writtenToday, writtenYear, free } = store;
  return (
    <dl>
      <StoreFigure name="Not on the disk yet" value={unsafe(store)} />
      <StoreFigure name="Written today" value={size(writtenToday)} />
      <StoreFigure name="A year like this" value={size(writtenYear)} />
      <StoreFigure name="Free" value={size(free)} />
    </dl>
  );
}

function StoreFigure({ name, value }: { readonly name: string; readonly value: string }) {
  return (
    <div>
      <dt>{name}</dt>
      <dd>{value}</dd>
    </div>
  );
}

function unsafe({ unsafeCount, unsafeAge }: StoreStatus): string {
  if (unsafeCount === 0) return "nothing";
  const age = unsafeAge < 2000 ? "" : `, for ${ageInWords(unsafeAge)}`;
  return `${plural(unsafeCount, "change")}${age}`;
}

function size(bytes: number | undefined): string {
  return bytes === undefined ? "–" : bytesInWords(bytes);
}
