/** The cases of the MQTT-SN gateway: so many nodes, each with one PUBLISH on its way. */

export interface GatewayCase {
  readonly name: string;
  readonly title: string;
  readonly nodes: number;
}

export const GATEWAY_CASES: readonly GatewayCase[] = [
  { name: "nodes-1", title: "1 node", nodes: 1 },
  { name: "nodes-50", title: "50 nodes", nodes: 50 },
  { name: "nodes-1000", title: "1000 nodes", nodes: 1000 },
];
