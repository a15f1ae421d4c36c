/** The nodes: who is there, in what state, last heard when, by what way, with how much traffic. */
import type { NodeColumn } from "../model/node-store.ts";
import type { PageState } from "../page-state.ts";
import { NodeRow } from "./node-row.tsx";
import { SortHeader } from "./sort-header.tsx";

export function NodesTable({ page }: { readonly page: PageState }) {
  const nodes = page.nodes.value;
  return (
    <section class="card" id="nodes" aria-labelledby="nodes-title">
      <div class="card-head">
        <h2 id="nodes-title">Nodes</h2>
      </div>
      {nodes.length === 0 ? (
        <NoNode />
      ) : (
        <table class="nodes" aria-labelledby="nodes-title">
          <thead>
            <tr>
              <NodeHeader page={page} column="clientId" title="Client id" />
              <NodeHeader page={page} column="state" title="State" />
              <NodeHeader page={page} column="lastSeen" title="Last seen" />
              <NodeHeader page={page} column="address" title="Link and address" class="wide" />
              <NodeHeader page={page} column="messages" title="In / out" class="wide number" />
              <NodeHeader page={page} column="buffered" title="Buffered" class="wide number" />
              <NodeHeader page={page} column="retries" title="Retries" class="wide number" />
            </tr>
          </thead>
          <tbody>
            {nodes.map((node) => (
              <NodeRow key={node.key} page={page} node={node} />
            ))}
          </tbody>
        </table>
      )}
    </section>
  );
}

const COUNTS: ReadonlySet<NodeColumn> = new Set(["messages", "buffered", "retries"]);

interface NodeHeaderProps {
  readonly page: PageState;
  readonly column: NodeColumn;
  readonly title: string;
  readonly class?: string;
}

function NodeHeader({ page, ...header }: NodeHeaderProps) {
  return (
    <SortHeader
      {...header}
      order={page.nodeOrder.value}
      sort={(order) => page.sortNodes(order)}
      largestFirst={COUNTS.has(header.column)}
    />
  );
}

function NoNode() {
  return (
    <div class="empty">
      <p>
        <strong>No node yet.</strong>
      </p>
      <p>
        Point one at UDP port 1884 of this gateway, or run <code>scripts/run --demo</code> to see
        some.
      </p>
    </div>
  );
}
