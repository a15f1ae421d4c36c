/** A payload in one line, and whole. It is drawn as text, so that markup in it stays text. */
import { expandPayload, previewPayload } from "../model/payload-preview.ts";
import { LONGEST_TOPIC, type Value } from "../model/value-store.ts";
import { visibleText } from "../model/visible-text.ts";
import { plural } from "../model/wording.ts";

export function PayloadLine({ value }: { readonly value: Value }) {
  const preview = previewPayload(value.kept, value.length);
  switch (preview.kind) {
    case "empty":
      return <span class="muted">empty</span>;
    case "number":
      return <NumberLine text={preview.text} />;
    case "text":
      return <bdi>{preview.text}</bdi>;
    case "binary":
      return (
        <span class="hex">
          {preview.hex}
          {preview.hex.length < preview.length * 3 - 1 && " …"}{" "}
          <span class="muted">{plural(preview.length, "byte")}</span>
        </span>
      );
    case "fields":
      return (
        <span class="fields">
          {preview.fields.map(({ key, name, value: field }) => (
            <span key={key} class="field">
              <bdi class="muted">{name}</bdi> <bdi class="numeric">{field}</bdi>
            </span>
          ))}
          {preview.more > 0 && <span class="muted">and {preview.more} more</span>}
        </span>
      );
  }
}

/** A number whose decimal point stands below those of the rows above. */
function NumberLine({ text }: { readonly text: string }) {
  const point = text.search(/[.eE]/);
  const whole = point < 0 ? text : text.slice(0, point);
  return (
    <span class="numeric">
      <span class="whole-part">{whole}</span>
      {text.slice(whole.length)}
    </span>
  );
}

export function PayloadWhole({ value }: { readonly value: Value }) {
  const { kept, length, topic } = value;
  return (
    <>
      <pre>{expandPayload(kept, length)}</pre>
      <p class="muted">
        {kept.length < length
          ? `The first ${plural(kept.length, "byte")} of ${plural(length, "byte")}`
          : plural(length, "byte")}
        {" on "}
        <bdi>{visibleText(topic, LONGEST_TOPIC)}</bdi>
      </p>
    </>
  );
}
