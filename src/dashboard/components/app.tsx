/** The whole page. */
import type { PageState } from "../page-state.ts";
import { Bridges } from "./bridges.tsx";
import { ConnectionBanner } from "./connection-banner.tsx";
import { Figures } from "./figures.tsx";
import { Header } from "./header.tsx";
import { NodesTable } from "./nodes-table.tsx";
import { Notices } from "./notices.tsx";
import { Store } from "./store.tsx";
import { ValuesTable } from "./values-table.tsx";

export function App({ page }: { readonly page: PageState }) {
  return (
    <>
      <div class="top">
        <Header page={page} />
        <ConnectionBanner page={page} />
      </div>
      <main class={page.connection.value.kind === "lost" ? "outdated" : undefined}>
        <Notices page={page} />
        <Figures page={page} />
        <Bridges page={page} />
        <Store page={page} />
        <NodesTable page={page} />
        <ValuesTable page={page} />
      </main>
    </>
  );
}
