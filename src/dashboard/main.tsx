/** Starts the page: connects the feed to the state, and draws. */
import { render } from "preact";
import { App } from "./components/app.tsx";
import { browserClock, browserScheduler } from "./connection/browser-time.ts";
import { dialWebSocket } from "./connection/browser-wire.ts";
import { Feed } from "./connection/feed.ts";
import { fetchGatewayFacts } from "./connection/gateway-facts.ts";
import { SUBSCRIPTIONS } from "./model/dashboard-model.ts";
import { PageState } from "./page-state.ts";

/** How often the gateway is asked how it is, and what time it has, ms. */
const FACTS_INTERVAL = 15_000;
const TICK = 1000;

const page = new PageState(browserClock);
const scheduler = browserScheduler();

const { protocol, host } = window.location;
const feed = new Feed({
  dial: dialWebSocket(`${protocol === "https:" ? "wss:" : "ws:"}//${host}/mqtt`),
  clock: browserClock,
  scheduler,
  random: Math.random,
  clientId: `dashboard-${crypto.getRandomValues(new Uint32Array(1))[0]?.toString(36)}`,
  subscriptions: SUBSCRIPTIONS,
  owner: {
    message: (topic, payload, retain) => page.receive(topic, payload, retain),
    state: (state) => {
      page.connection.value = state;
      if (state.kind === "live") refreshFacts();
    },
    beginRound: () => page.beginRound(),
    endRound: () => page.endRound(),
  },
});
page.retryNow = () => feed.retryNow();

async function learnFacts(): Promise<void> {
  const facts = await fetchGatewayFacts();
  if (facts === undefined) return;
  page.facts.value = facts;
  if (facts.name !== "") document.title = `${facts.name} · Midge`;
}

function refreshFacts(): void {
  void learnFacts();
}

// A page that is looked at again, or whose network is back, does not sit out its pause.
window.addEventListener("online", page.retryNow);
document.addEventListener("visibilitychange", () => {
  if (document.hidden) return;
  feed.retryNow();
  refreshFacts();
});
setInterval(() => page.tick(), TICK);
setInterval(() => {
  if (!document.hidden) refreshFacts();
}, FACTS_INTERVAL);

feed.start();
render(<App page={page} />, document.body);
