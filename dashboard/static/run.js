/** The page of one run: how it stands, what it did, what it came to, and how to steer it. */

import { api } from "./api.js";
import { controls } from "./control.js";
import { problemBox } from "./dialog.js";
import { h, refill, say } from "./dom.js";
import { errorsSection } from "./errors.js";
import { distance, state, words } from "./format.js";
import { itemsSection } from "./items.js";
import { announce, poll } from "./live.js";
import { limitsSection, progressSection, rateSection } from "./progress.js";
import { requestSection, resultsSection } from "./results.js";
import { shardsSection } from "./shards.js";

const OFTEN_SECONDS = 1;
const SELDOM_SECONDS = 3;
const LONG_RUN_SECONDS = 120;
const LEAST_SPAN_SECONDS = 0.5;

/** Show the page; returns what stops it. */
export function runPage(main, { subject: runId }) {
  const head = headline(runId);
  const refusal = h("div");
  const steer = controls(runId, () => live.now());
  const items = itemsSection(runId);
  let attempt = null;
  const parts = {
    progress: progressSection(),
    rate: rateSection(),
    shards: shardsSection((chosen) => {
      attempt = chosen;
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
  let before = null;

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
    if (before && run.redrive_count !== before.redrive_count) attempt = null;
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
    const seconds = spanOf(timeline);
    parts.rate.show(timeline, seconds);
    parts.shards.show(timeline, run, seconds);
    parts.errors.show(run);
    parts.limits.show(run, name, circuit);
    parts.results.show(run);
    if (before && state(before) !== state(run)) announce(`The run is now: ${words(state(run))}`);
    before = run;
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
        run.stalled_since ? h("p", { class: "problem" }, `It has not moved since ${distance(run.stalled_since)}.`) : null,
      );
    },
  };
}

/** How long the attempt has gone on, in seconds: the length of the axis of its charts. */
function spanOf(timeline) {
  if (!timeline.started_at) return LEAST_SPAN_SECONDS;
  const end = timeline.finished_at ? new Date(timeline.finished_at) : lastMoment(timeline);
  return Math.max(LEAST_SPAN_SECONDS, (end - new Date(timeline.started_at)) / 1000);
}

/** The end of the last bucket in which anything happened; the browser's clock may be another. */
function lastMoment(timeline) {
  const lengths = [...timeline.shards.map((lane) => lane.cells.length), ...Object.values(timeline.series).map((values) => values.length)];
  const buckets = Math.max(0, ...lengths);
  return new Date(new Date(timeline.started_at).getTime() + buckets * timeline.bucket_seconds * 1000);
}

/** Reads how the service that the items of a run call is, if they call one. */
function downstreamReader() {
  let name;
  return async (run, signal) => {
    if (name === undefined) {
      const found = (await api.workloads()).find((workload) => workload.name === run.workload);
      name = found?.downstream ?? null;
    }
    if (name === null) return [null, null];
    return [name, (await api.health({ signal })).circuits?.[name] ?? null];
  };
}
