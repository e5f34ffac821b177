/** The timeline: the work of each shard over time. */

import { STATES, figure, lanes, legend, secondsIn } from "../charts.js";
import { h, refill, say } from "../dom.js";
import { count, duration, several } from "../format.js";
import { card } from "./progress.js";

/** The part of the page that shows the timeline of one attempt. */
export function shardsSection(onAttempt) {
  const headings = ["Shard", "Partitions done", "Waves", ...STATES.map(([, , name]) => name)];
  const chart = figure("What each shard did when", headings, [0, 1, 2, 3, 4, 5, 6]);
  const note = h("p", { class: "soft" });
  const attempt = h("select", { id: "attempt", onchange: () => onAttempt(Number(attempt.value)) });
  const choice = h("div", { class: "filters", hidden: true }, h("label", { for: "attempt" }, "Attempt"), attempt);
  const node = card("shards", "Partitions by shard", choice, note, legend(STATES.map(([, kind, name]) => [kind, name])), chart.node);
  return {
    node,
    show(timeline, run, seconds) {
      attempts(choice, attempt, timeline);
      const shards = timeline.shards;
      say(
        note,
        shards.length
          ? `${several(run.partitions.total, "partition")} in ${several(shards.length, "shard")}. A shard takes one partition after the other, a wave at a time.`
          : "No shard has begun yet.",
      );
      const bucketSeconds = timeline.bucket_seconds;
      chart.show({
        draw: (width) => lanes({ width, seconds, bucketSeconds, lanes: shards, text: describe(shards, bucketSeconds, seconds) }),
        rows: () =>
          shards.map((lane) => [
            lane.shard,
            count(lane.partitions),
            count(lane.waves),
            ...STATES.map(([bit]) => duration(secondsIn(lane.cells, bit, bucketSeconds))),
          ]),
      });
    },
  };
}

function attempts(choice, select, timeline) {
  choice.hidden = timeline.attempts < 2;
  if (select.options.length === timeline.attempts) return;
  refill(select, Array.from({ length: timeline.attempts }, (_, place) => h("option", { value: place + 1 }, place + 1)));
  select.value = timeline.attempt;
}

function describe(shards, bucketSeconds, seconds) {
  const texts = STATES.map(([bit, , name]) => [name.toLowerCase(), shards.filter((lane) => secondsIn(lane.cells, bit, bucketSeconds)).length])
    .filter(([, number]) => number)
    .map(([name, number]) => `${number} were ${name} at some time`);
  return `${several(shards.length, "shard")} over ${duration(seconds)}. ${texts.join(", ")}.`;
}
