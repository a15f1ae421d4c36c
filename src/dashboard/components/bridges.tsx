/** The bridges to other brokers: whether each is up, why not, and what waits for it. */
import type { Bridge, BridgeState } from "../model/bridge-topics.ts";
import { visibleText } from "../model/visible-text.ts";
import { countInWords } from "../model/wording.ts";
import type { PageState } from "../page-state.ts";

const LONGEST_NAME = 64;
const LONGEST_FAILURE = 160;

const STATES: Readonly<Record<BridgeState, { readonly style: string; readonly text: string }>> = {
  up: { style: "badge good", text: "Up" },
  connecting: { style: "badge waiting", text: "Connecting" },
  idle: { style: "badge calm", text: "Idle" },
  down: { style: "badge bad", text: "Down" },
};

export function Bridges({ page }: { readonly page: PageState }) {
  const bridges = page.bridges.value;
  if (bridges.length === 0) return null;
  return (
    <section class="strip bridges" aria-labelledby="bridges-title">
      <h2 id="bridges-title">Bridges</h2>
      <ul>
        {bridges.map((bridge) => (
          <BridgeItem key={bridge.name} bridge={bridge} />
        ))}
      </ul>
    </section>
  );
}

function BridgeItem({ bridge }: { readonly bridge: Bridge }) {
  const { name, state, queued, dropped, failure } = bridge;
  const { style, text } = STATES[state];
  const why = state === "up" ? "" : failure;
  return (
    <li>
      <bdi class="name">{visibleText(name, LONGEST_NAME)}</bdi>
      <span class={style}>{text}</span>
      {queued > 0 && <span class="note">{countInWords(queued)} waiting</span>}
      {dropped > 0 && <span class="note bad">{countInWords(dropped)} dropped</span>}
      {why !== "" && <bdi class="why">{visibleText(why, LONGEST_FAILURE)}</bdi>}
    </li>
  );
}
