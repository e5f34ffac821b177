/** The page of one run: its status, timeline and results, and the buttons that steer it. */

import { api } from "../api.js";
import { problemBox } from "../dialog.js";
import { h, refill, say } from "../dom.js";
import { distance, state, words } from "../format.js";
import { announce, poll } from "../live.js";
import { controls } from "../sections/control.js";
import { errorsSection } from "../sections/errors.js";
import { itemsSection } from "../sections/items.js";
import { limitsSection, progressSection, rateSection } from "../sections/progress.js";
import { requestSection, resultsSection } from "../sections/results.js";
import { shardsSection } from "../sections/shards.js";

const OFTEN_SECONDS = 1;
const SELDOM_SECONDS = 3;
const LONG_RUN_SECONDS = 120;
const MIN_AXIS_SECONDS = 0.5;

/** Show the page; returns a function that stops it. */
export function runPage(main, { subject: runId }) {
  const head = headline(runId);
  const refusal = h("div");
  const steer = controls(runId, () => live.now());
  const items = itemsSection(runId);
  let attempt = null;
  const parts = {
    progress: progressSection(),
    rate: rateSection(),
    shards: shardsSection((number) => {
      attempt = number;
      live.now();
    }),
    errors: errorsSection((status, group) => items.open(status, group)),
    limits: limitsSection(),
    results: resultsSection(runId),
    request: requestSection(runId),
  };
  const body = h("div", { hidden: true }, steer.node,
    h("div", { class: "cards" }, Object.values(parts).map((part) => part.node), items.node));
  refill(main, head.node, refusal, body);
  const downstream = downstreamReader();
  let last = null;

  async function refresh(signal) {
    let run;
    try {
      run = await api.run(runId, { signal });
    } catch (error) {
      if (error.status !== 404 && error.status !== 401 && error.status !== 403) throw error;
      refill(refusal, problemBox(error));
      body.hidden = true;
      return null;
    }
    if (last && run.redrive_count !== last.redrive_count) attempt = null;
    const [timeline, service] = await Promise.all([api.timeline(runId, attempt, { signal }), downstream(run, signal)]);
    refill(refusal);
    body.hidden = false;
    show(run, timeline, service);
    if (run.phase === "done") return null;
    return run.duration_seconds > LONG_RUN_SECONDS ? SELDOM_SECONDS : OFTEN_SECONDS;
  }

  function show(run, timeline, [name, circuit]) {
    head.show(run);
    steer.show(run);
    parts.progress.show(run);
    const seconds = axisSeconds(timeline);
    parts.rate.show(timeline, seconds);
    parts.shards.show(timeline, run, seconds);
    parts.errors.show(run);
    parts.limits.show(run, name, circuit);
    parts.results.show(run);
    if (last && state(last) !== state(run)) announce(`The run is now: ${words(state(run))}`);
    last = run;
  }

  const live = poll(refresh);
  return live.stop;
}

function headline(runId) {
  const badge = h("span", { class: "badge" });
  const about = h("p", { class: "soft" });
  const warnings = h("div");
  return {
    node: h("div", {}, h("p", { class: "soft" }, h("a", { href: "#/" }, "Runs")), h("div", { class: "headline" }, h("h1", {}, runId), badge), about, warnings),
    show(run) {
      badge.className = `badge state-${state(run)}`;
      say(badge, words(state(run)));
      const attempt = run.redrive_count ? `, attempt ${run.redrive_count + 1}` : "";
      say(about, `${run.workload}${attempt}`);
      refill(
        warnings,
        run.error ? h("p", { class: "problem" }, run.error) : null,
        run.wait ? h("p", { class: "soft" }, waitText(run.wait)) : null,
        run.stalled_since ? h("p", { class: "problem" }, `It has not moved since ${distance(run.stalled_since)}.`) : null,
      );
    },
  };
}

const WAITS = {
  places: "It waits for a place: as many runs go on as may.",
  schedule: "It waits for an earlier run of its schedule.",
  attempt: "It waits until its earlier attempt has stopped.",
  start: "It is about to begin.",
};

/** Why a run is queued. */
function waitText(wait) {
  const reason = WAITS[wait.reason] ?? wait.reason;
  if (wait.position === null) return reason;
  return `${reason} It is number ${wait.position} of ${wait.waiting} in line, and ${wait.running} go on.`;
}

/** The length of the axis of the charts: the seconds that the attempt has taken so far. */
function axisSeconds(timeline) {
  if (!timeline.started_at) return MIN_AXIS_SECONDS;
  const end = timeline.finished_at ? new Date(timeline.finished_at) : lastMoment(timeline);
  return Math.max(MIN_AXIS_SECONDS, (end - new Date(timeline.started_at)) / 1000);
}

/** The end of the last bucket with data; the clock of the browser may differ. */
function lastMoment(timeline) {
  const lengths = [...timeline.shards.map((lane) => lane.cells.length), ...Object.values(timeline.series).map((values) => values.length)];
  const buckets = Math.max(0, ...lengths);
  return new Date(new Date(timeline.started_at).getTime() + buckets * timeline.bucket_seconds * 1000);
}

/** Read the state of the downstream of a run, if it has one. */
function downstreamReader() {
  let name;
  return async (run, signal) => {
    if (name === undefined) {
      const workload = (await api.workloads()).find((entry) => entry.name === run.workload);
      name = workload?.downstream ?? null;
    }
    if (name === null) return [null, null];
    return [name, (await api.health({ signal })).circuits?.[name] ?? null];
  };
}
