/** The head of the page: whose gateway this is, whether the page is connected, how long it runs. */
import { visibleText } from "../model/visible-text.ts";
import { durationInWords } from "../model/wording.ts";
import type { PageState } from "../page-state.ts";

const LONGEST_NAME = 48;

export function Header({ page }: { readonly page: PageState }) {
  const facts = page.facts.value;
  return (
    <header>
      <Mark />
      <div class="identity">
        <h1>{visibleText(facts?.name || "Midge", LONGEST_NAME)}</h1>
        <p class="muted">
          <Uptime page={page} />
        </p>
      </div>
      <nav aria-label="Sections">
        <a href="#nodes">Nodes</a>
        <a href="#values">Live values</a>
      </nav>
      <ConnectionPill page={page} />
    </header>
  );
}

function Uptime({ page }: { readonly page: PageState }) {
  const version = page.facts.value?.version;
  const { startedAt } = page.figures.value;
  const parts = ["MQTT-SN gateway"];
  if (version) parts[0] = `Midge ${visibleText(version, LONGEST_NAME)}`;
  if (startedAt !== undefined && page.connection.value.kind === "live")
    parts.push(`up ${durationInWords(Math.max(0, page.now.value - startedAt) / 1000)}`);
  return <>{parts.join(" · ")}</>;
}

const PILLS = {
  connecting: { style: "pill waiting", text: "Connecting" },
  live: { style: "pill good", text: "Live" },
  lost: { style: "pill bad", text: "Not connected" },
} as const;

function ConnectionPill({ page }: { readonly page: PageState }) {
  const { style, text } = PILLS[page.connection.value.kind];
  return (
    <span class={style} role="status">
      {text}
    </span>
  );
}

function Mark() {
  return (
    <svg class="mark" viewBox="0 0 32 32" aria-hidden="true">
      <rect width="32" height="32" rx="8" />
      <path d="M15 14C10 5 4 7 5 10s6 5 10 4zM17 14c5-9 11-7 10-4s-6 5-10 4z" />
      <path class="line" d="M16 10v15M16 15l-5 4v4M16 15l5 4v4" />
    </svg>
  );
}
