/** One node in the table. */
import { isStale, type Node, type NodeState } from "../model/node.ts";
import { visibleText } from "../model/visible-text.ts";
import { ageInWords, countInWords, timeOfDay } from "../model/wording.ts";
import type { PageState } from "../page-state.ts";
import { memo } from "./memo.ts";

const LONGEST_NAME = 64;

const STATES: Readonly<Record<NodeState, { readonly style: string; readonly text: string }>> = {
  active: { style: "badge good", text: "Active" },
  awake: { style: "badge good", text: "Awake" },
  asleep: { style: "badge calm", text: "Asleep" },
  lost: { style: "badge bad", text: "Lost" },
  disconnected: { style: "badge", text: "Disconnected" },
  unknown: { style: "badge", text: "Unknown" },
};

interface NodeRowProps {
  readonly page: PageState;
  readonly node: Node;
}

export const NodeRow = memo(({ page, node }: NodeRowProps) => {
  const { style, text } = STATES[node.state];
  const where = visibleText([node.link, node.address].filter(Boolean).join(" · "), LONGEST_NAME);
  const traffic = `${countInWords(node.messagesIn)} / ${countInWords(node.messagesOut)}`;
  return (
    <tr>
      <th scope="row">
        <bdi class="name">{visibleText(node.clientId, LONGEST_NAME)}</bdi>
        <span class="narrow sub">
          {where} · {traffic} messages
          {node.buffered > 0 && ` · ${countInWords(node.buffered)} buffered`}
          {node.retries > 0 && ` · ${countInWords(node.retries)} retries`}
        </span>
      </th>
      <td class="state">
        <span class={style}>{text}</span> <StateSince page={page} node={node} />
      </td>
      <td class="seen">
        <LastSeen page={page} node={node} />
      </td>
      <td class="wide">
        <bdi>{where}</bdi>
      </td>
      <td class="wide number">{traffic}</td>
      <td class="wide number">
        {countInWords(node.buffered)}
        {node.dropped > 0 && <span class="sub bad">{countInWords(node.dropped)} dropped</span>}
      </td>
      <td class="wide number">{countInWords(node.retries)}</td>
    </tr>
  );
});

function StateSince({ page, node }: NodeRowProps) {
  if (node.since === undefined) return null;
  const age = Math.max(0, page.gatewayNow - node.since);
  return <span class="since">for {age < 2000 ? "a moment" : ageInWords(age)}</span>;
}

function LastSeen({ page, node }: NodeRowProps) {
  const { lastSeen } = node;
  if (lastSeen === undefined) return <span class="muted">never</span>;
  const gatewayNow = page.gatewayNow;
  const stale = isStale(node, gatewayNow);
  return (
    <span class={stale ? "stale" : undefined}>
      <time title={timeOfDay(lastSeen)}>{ageInWords(Math.max(0, gatewayNow - lastSeen))}</time>
      {stale && <span class="sub">{expectation(node)}</span>}
    </span>
  );
}

/** Why its silence is remarkable. */
function expectation(node: Node): string {
  const interval = node.state === "asleep" ? node.sleepDuration : node.keepAlive;
  return interval > 0 ? `expected every ${ageInWords(interval * 1000)}` : "silent";
}
