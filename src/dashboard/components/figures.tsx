/** The figures at a glance: nodes, clients, and how many messages go in and out. */
import type { Counter } from "../model/broker-store.ts";
import { isStale } from "../model/node.ts";
import { countInWords } from "../model/wording.ts";
import type { PageState } from "../page-state.ts";

export function Figures({ page }: { readonly page: PageState }) {
  const { clients, messagesIn, messagesOut } = page.figures.value;
  return (
    <dl class="figures">
      <NodesFigure page={page} />
      <Figure name="Clients" value={countInWords(clients)} note="connected" />
      <Figure name="Messages in" value={countInWords(messagesIn?.count)} note={rate(messagesIn)} />
      <Figure
        name="Messages out"
        value={countInWords(messagesOut?.count)}
        note={rate(messagesOut)}
      />
    </dl>
  );
}

function NodesFigure({ page }: { readonly page: PageState }) {
  const nodes = page.nodes.value;
  const gatewayNow = page.gatewayNow;
  const silent = nodes.filter((node) => isStale(node, gatewayNow)).length;
  const present = nodes.filter(
    (node) => node.state !== "disconnected" && !isStale(node, gatewayNow),
  ).length;
  return (
    <Figure
      name="Nodes"
      value={countInWords(present)}
      note={notePresent(nodes.length, silent)}
      alarming={silent > 0}
    />
  );
}

function notePresent(all: number, silent: number): string {
  if (all === 0) return "none yet";
  const total = `of ${countInWords(all)}`;
  return silent > 0 ? `${total}, ${countInWords(silent)} silent` : total;
}

interface FigureProps {
  readonly name: string;
  readonly value: string;
  readonly note: string;
  readonly alarming?: boolean;
}

function Figure({ name, value, note, alarming }: FigureProps) {
  return (
    <div class="figure">
      <dt>{name}</dt>
      <dd>
        <span class="big">{value}</span> <span class={alarming ? "note bad" : "note"}>{note}</span>
      </dd>
    </div>
  );
}

function rate(counter: Counter | undefined): string {
  if (counter?.rate === undefined) return "since the start";
  return counter.rate >= 10
    ? `${countInWords(counter.rate)} per second`
    : `${counter.rate.toFixed(1)} per second`;
}
