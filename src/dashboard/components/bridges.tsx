/** The bridges to other brokers, and whether each is up. */
import { visibleText } from "../model/visible-text.ts";
import type { PageState } from "../page-state.ts";

const LONGEST_NAME = 64;

export function Bridges({ page }: { readonly page: PageState }) {
  const bridges = page.bridges.value;
  if (bridges.length === 0) return null;
  return (
    <section class="bridges" aria-labelledby="bridges-title">
      <h2 id="bridges-title">Bridges</h2>
      <ul>
        {bridges.map(({ name, up }) => (
          <li key={name}>
            <bdi class="name">{visibleText(name, LONGEST_NAME)}</bdi>
            <span class={up ? "badge good" : "badge bad"}>{up ? "Up" : "Down"}</span>
          </li>
        ))}
      </ul>
    </section>
  );
}
