/** The schedules: when each is due, and the state of its last run. */

import { api } from "../api.js";
import { problemBox } from "../dialog.js";
import { h, refill, table } from "../dom.js";
import { distance, moment, state, words } from "../format.js";
import { poll } from "../live.js";

const REFRESH_SECONDS = 15;
const HEADINGS = ["Schedule", "When", "Does", "Next", "Last run"];

/** Show the page; returns a function that stops it. */
export function schedulesPage(main) {
  const list = h("div", { class: "card" });
  refill(main, h("h1", {}, "Schedules"), h("div", {}, list));
  const live = poll(async (signal) => {
    try {
      const rows = (await api.schedules({ signal })).map(cells);
      refill(list, rows.length ? table("Schedules", HEADINGS, rows) : h("p", {}, "The app has no schedules."));
    } catch (error) {
      if (error.status === undefined) throw error;
      refill(list, problemBox(error));
    }
    return REFRESH_SECONDS;
  });
  return live.stop;
}

function cells(schedule) {
  return [
    h("div", {}, h("strong", {}, schedule.name), h("p", { class: "soft" }, schedule.description)),
    h("div", {}, h("code", { class: "when" }, schedule.schedule), h("p", { class: "soft" }, schedule.zone)),
    schedule.workload ? `runs ${schedule.workload}` : words(schedule.task),
    schedule.is_enabled
      ? h("time", { datetime: schedule.next_at, title: moment(schedule.next_at) }, `${moment(schedule.next_at)} (${distance(schedule.next_at)})`)
      : h("span", { class: "badge" }, "Off"),
    lastRun(schedule),
  ];
}

function lastRun({ last_run: run, workload }) {
  if (!run) return h("span", { class: "soft" }, workload ? "none yet" : "makes no runs");
  return h(
    "div",
    {},
    h("a", { href: `#/runs/${encodeURIComponent(run.run_id)}` }, run.run_id),
    " ",
    h("span", { class: `badge state-${state(run)}` }, words(state(run))),
  );
}
