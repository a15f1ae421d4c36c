/** Default values as TOML writes them. */

export function toTomlValue(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(toTomlValue).join(", ")}]`;
  return typeof value === "string" ? JSON.stringify(value) : String(value);
}
