/** Numbers, times and names, written for people. */

const WHOLE = new Intl.NumberFormat("en");
const SHORT = new Intl.NumberFormat("en", { notation: "compact", maximumFractionDigits: 1 });
const FINE = new Intl.NumberFormat("en", { maximumFractionDigits: 1 });
const MOMENT = new Intl.DateTimeFormat("en-GB", { dateStyle: "medium", timeStyle: "medium" });
const UNITS = ["bytes", "KiB", "MiB", "GiB", "TiB"];
export const NOTHING = "–";

export function count(value) {
  return value === null || value === undefined ? NOTHING : WHOLE.format(value);
}

export function several(amount, name) {
  return `${count(amount)} ${name}${amount === 1 ? "" : "s"}`;
}

export function short(value) {
  return SHORT.format(value);
}

export function rate(value) {
  if (value === null || value === undefined) return NOTHING;
  return `${value >= 100 ? WHOLE.format(Math.round(value)) : FINE.format(value)}/s`;
}

export function percent(part, whole) {
  if (!whole) return "0 %";
  const share = (100 * part) / whole;
  if (share > 0 && share < 0.1) return "< 0.1 %";
  if (share > 99.9 && share < 100) return "> 99.9 %";
  return `${FINE.format(share)} %`;
}

export function bytes(size) {
  let unit = 0;
  let amount = size;
  while (amount >= 1024 && unit < UNITS.length - 1) {
    amount /= 1024;
    unit += 1;
  }
  return `${unit === 0 ? WHOLE.format(amount) : FINE.format(amount)} ${UNITS[unit]}`;
}

/** A span of time in its two largest units. */
export function duration(seconds) {
  if (seconds === null || seconds === undefined) return NOTHING;
  if (seconds < 10) return `${FINE.format(seconds)} s`;
  const whole = Math.round(seconds);
  const parts = [
    [Math.floor(whole / 86400), "d"],
    [Math.floor(whole / 3600) % 24, "h"],
    [Math.floor(whole / 60) % 60, "min"],
    [whole % 60, "s"],
  ];
  const first = parts.findIndex(([amount]) => amount > 0);
  return parts
    .slice(first, first + 2)
    .filter(([amount], place) => place === 0 || amount > 0)
    .map(([amount, unit]) => `${amount} ${unit}`)
    .join(" ");
}

export function moment(text) {
  return text ? MOMENT.format(new Date(text)) : NOTHING;
}

/** How long ago, or from now, a moment is. */
export function distance(text, now = Date.now()) {
  if (!text) return NOTHING;
  const seconds = (new Date(text).getTime() - now) / 1000;
  const span = duration(Math.abs(Math.round(seconds)));
  return seconds > 0 ? `in ${span}` : `${span} ago`;
}

/** A name of the API as words: `partially_succeeded` is "Partially succeeded". */
export function words(name) {
  const text = String(name).replaceAll("_", " ");
  return text.charAt(0).toUpperCase() + text.slice(1);
}

/** The state of a run in one word: its outcome, or its phase. */
export function state(run) {
  if (run.outcome) return run.outcome;
  return run.status === "Suspended" ? "suspended" : run.phase;
}

export function pretty(value) {
  return typeof value === "string" ? value : JSON.stringify(value, null, 2);
}
