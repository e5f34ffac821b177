/** The progress of a run: items by state, rate, time left, and limits. */

import { figure, legend, stackedAreas } from "../charts.js";
import { facts, h, refill, say } from "../dom.js";
import { count, distance, duration, moment, percent, rate, several, words } from "../format.js";
import { itemsBar, itemsLegend } from "./items.js";

/** The part of the page with the progress. */
export function progressSection() {
  const done = h("p", { class: "big" });
  const bars = h("div", { class: "large" });
  const names = h("div");
  const details = h("div");
  return {
    node: card("progress", "Progress", done, bars, names, details),
    show(run) {
      const { items } = run;
      const settled = items.total - items.pending;
      say(done, `${percent(settled, items.total)} of ${count(items.total)} items`);
      refill(bars, itemsBar(items));
      refill(names, itemsLegend(items));
      refill(
        details,
        facts([
          ["Partitions", `${count(run.partitions.done)} of ${count(run.partitions.total)}`],
          ["Items a second", rate(run.items_per_second)],
          ["Time left", run.phase === "done" ? null : duration(run.eta_seconds)],
          ["Took", duration(run.duration_seconds)],
          ["Retries", count(run.retries)],
          ["Batches in flight", run.phase === "done" ? null : count(run.batches_in_flight)],
          ["Started", h("time", { datetime: run.started_at, title: distance(run.started_at) }, moment(run.started_at))],
          ["Ended", run.finished_at ? h("time", { datetime: run.finished_at }, moment(run.finished_at)) : null],
          ["Redriven", run.redrive_count ? several(run.redrive_count, "time") : null],
          ["Taken up again", run.take_overs ? `${several(run.take_overs, "time")}, last because: ${run.take_over_reason}` : null],
        ]),
      );
    },
  };
}

/** The limits of the run, and the state of its downstream. */
export function limitsSection() {
  const details = h("div");
  return {
    node: card("limits", "Limits and downstream", details),
    show(run, downstream, circuit) {
      const limits = run.limits;
      const { tolerance } = limits ?? {};
      refill(
        details,
        facts([
          ["Batches at once", limits ? count(limits.batches) : null],
          ["Items a second", limits ? (limits.items_per_second ? rate(limits.items_per_second) : "no limit") : null],
          ["Failures tolerated", tolerance ? `${count(tolerance.count)}, or ${tolerance.percentage} %` : null],
          ["Failures so far", count(run.items.failed + run.items.compensation_failed)],
          ["Downstream", downstream ?? "none"],
          ["Breaker", circuit ? breaker(circuit) : null],
          ["Rate of all runs", circuit ? (circuit.items_per_second ? rate(circuit.items_per_second) : "no limit") : null],
          ["Booked until", circuit?.booked_until ? moment(circuit.booked_until) : null],
        ]),
      );
    },
  };
}

/** The state of a circuit breaker. */
export function breaker(circuit) {
  const since = circuit.since ? ` since ${moment(circuit.since)}` : "";
  return h("span", { class: `badge circuit-${circuit.state}` }, `${words(circuit.state)}${since}`);
}

const LAYERS = [
  ["succeeded", "Succeeded"],
  ["failed", "Failed"],
  ["compensated", "Compensated"],
];

/** Items a second over time. */
export function rateSection() {
  const headings = ["From", "Succeeded/s", "Failed/s", "Compensated/s", "Retries"];
  const chart = figure("Items a second over time", headings, [0, 1, 2, 3, 4]);
  const note = h("p", { class: "soft" }, "Items are counted when their wave ends: the latest seconds still grow.");
  const node = card("rate", "Items a second", legend(LAYERS), chart.node, note);
  return {
    node,
    show(timeline, seconds) {
      const width = timeline.bucket_seconds;
      note.hidden = timeline.finished_at !== null;
      const speed = (values) => (values ?? []).map((amount, bucket) => amount / Math.min(width, Math.max(width / 4, seconds - bucket * width)));
      const layers = LAYERS.map(([kind]) => [kind, speed(timeline.series[kind])]);
      const sums = totals(layers);
      const most = Math.max(0, ...sums);
      const text = `Items a second over ${duration(seconds)}: at most ${rate(most)}, at the end ${rate(sums.at(-1) ?? 0)}`;
      chart.show({
        draw: (pixels) => stackedAreas({ width: pixels, seconds, bucketSeconds: width, layers, text }),
        rows: () =>
          sums.map((_, bucket) => [
            duration(bucket * width),
            ...layers.map(([, values]) => rate(values[bucket] ?? 0)),
            count(Math.round(timeline.series.retries?.[bucket] ?? 0)),
          ]),
      });
    },
  };
}

function totals(layers) {
  const columns = Math.max(0, ...layers.map(([, values]) => values.length));
  return Array.from({ length: columns }, (_, column) => layers.reduce((sum, [, values]) => sum + (values[column] ?? 0), 0));
}

/** A part of a page with a heading. */
export function card(id, title, ...children) {
  return h("section", { class: "card", id, "aria-labelledby": `${id}-title` }, h("h2", { id: `${id}-title` }, title), children);
}
