/** Says that what is shown is out of date, since when, and when the next attempt is made. */
import { timeOfDay } from "../model/wording.ts";
import type { PageState } from "../page-state.ts";

export function ConnectionBanner({ page }: { readonly page: PageState }) {
  const state = page.connection.value;
  if (state.kind !== "lost") return null;
  const { heardAt, why } = state;
  return (
    <div class="banner">
      <div class="banner-inner">
        <p role="alert">
          <strong>
            {heardAt === undefined ? "No connection to the gateway." : "Connection lost."}
          </strong>{" "}
          {heardAt === undefined
            ? "There are no values to show yet."
            : `Values are from ${timeOfDay(heardAt)}.`}{" "}
          {why}
        </p>
        <p class="retry">
          <Countdown page={page} retryAt={state.retryAt} />
          <button type="button" onClick={() => page.retryNow()}>
            Try now
          </button>
        </p>
      </div>
    </div>
  );
}

// Outside the alert, so that a screen reader does not read every second aloud.
function Countdown({ page, retryAt }: { readonly page: PageState; readonly retryAt: number }) {
  const seconds = Math.ceil((retryAt - page.now.value) / 1000);
  return <span>{seconds > 0 ? `Trying again in ${seconds} s` : "Trying again…"}</span>;
}
