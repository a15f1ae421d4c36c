/** What an operator must know at once, above everything else. */
import type { Notice } from "../model/notices.ts";
import { visibleText } from "../model/visible-text.ts";
import type { PageState } from "../page-state.ts";

const LONGEST_TEXT = 600;
const LONGEST_PLACE = 300;

export function Notices({ page }: { readonly page: PageState }) {
  const notices = page.notices.value;
  if (notices.length === 0) return null;
  return (
    <section class="notices" aria-label="Needs attention">
      {notices.map((notice) => (
        <NoticeCard key={notice.key} notice={notice} />
      ))}
    </section>
  );
}

function NoticeCard({ notice }: { readonly notice: Notice }) {
  const { severity, title, text, places, action, detail } = notice;
  return (
    <div class={`notice ${severity}`}>
      {/* Read aloud when it appears; figures that change are left out of that. */}
      <p role="alert">
        <strong>{title}</strong> {visibleText(text, LONGEST_TEXT)}
      </p>
      {places.length > 0 && (
        <ul>
          {places.map((place) => (
            <li key={place}>
              <code>{visibleText(place, LONGEST_PLACE)}</code>
            </li>
          ))}
        </ul>
      )}
      {action !== "" && <p>{visibleText(action, LONGEST_TEXT)}</p>}
      {detail !== "" && <p class="detail">{visibleText(detail, LONGEST_TEXT)}</p>}
    </div>
  );
}
