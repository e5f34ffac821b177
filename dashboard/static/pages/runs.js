/** The list of runs: newest first, with filters, kept up to date. */

import { api } from "../api.js";
import { problemBox } from "../dialog.js";
import { h, refill, say } from "../dom.js";
import { count, distance, duration, moment, rate, state, words } from "../format.js";
import { poll } from "../live.js";
import { openStart } from "../sections/control.js";
import { itemsBar } from "../sections/items.js";

const PAGE = 20;
// A filter with few matches reads at most so many pages at a time, a long list a page for each 50 runs: no page
// has more that go on.
const MAX_PAGES = 5;
const LEAST_A_PAGE = 50;
const REFRESH_SECONDS = 3;
const GOING_ON = "going_on";
const OUTCOMES = [GOING_ON, "succeeded", "partially_succeeded", "failed", "compensated", "cancelled"];
const HEADINGS = ["Run", "Workload", "State", "Items", "Failed", "Rate", "Started", "Took"];
const OFF_PHONES = new Set(["Workload", "Failed", "Rate", "Started", "Took"]);

/** Show the page; returns a function that stops it. */
export function runsPage(main, { query }) {
  const workload = choice("workload", "Workload", [["", "All"]]);
  const outcome = choice("outcome", "Outcome", [["", "All"], ...OUTCOMES.map((name) => [name, words(name)])]);
  const text = h("input", { id: "filter-text", type: "search", name: "text", autocomplete: "off", spellcheck: "false", placeholder: "Part of the id" });
  outcome.value = query.get("outcome") ?? "";
  text.value = query.get("text") ?? "";
  const rows = runTable();
  const note = h("p", { class: "soft", role: "status" });
  const refusal = h("div");
  const more = h("button", { type: "button", hidden: true }, "Older runs");
  const form = h(
    "form",
    { class: "filters", role: "search", "aria-label": "Filter runs" },
    [[workload, "Workload"], [outcome, "Outcome"], [text, "Text"]].map(([field, name]) =>
      h("div", {}, h("label", { for: field.id }, name), field)),
  );
  refill(
    main,
    h("div", { class: "headline" }, h("h1", {}, "Runs"), h("button", { type: "button", class: "primary", onclick: () => openStart() }, "Start a run…")),
    form, refusal, rows.node, note, more,
  );
  fillWorkloads(workload, query.get("workload") ?? "");
  let limit = PAGE;

  async function refresh(signal) {
    const filter = { workload: workload.value || query.get("workload"), outcome: outcome.value, text: text.value.trim() };
    try {
      const matches = await gather(filter, limit, signal);
      refill(refusal);
      rows.show(matches.runs);
      more.hidden = matches.continuation === null;
      const none = matches.continuation ? "None among the newest runs." : "There are no such runs.";
      const unreadable = matches.unreadable.map((run) => `${run.run_id} cannot be read: ${run.reason}`);
      say(note, [matches.runs.length ? "" : none, ...unreadable].join(" "));
    } catch (error) {
      if (error.status === undefined || signal.aborted) throw error;
      refill(refusal, problemBox(error));
    }
    return REFRESH_SECONDS;
  }

  const live = poll(refresh);
  const applyFilter = () => {
    query = new URLSearchParams(
      [["workload", workload.value], ["outcome", outcome.value], ["text", text.value.trim()]].filter(([, value]) => value),
    );
    history.replaceState(null, "", query.size ? `#/?${query}` : "#/");
    limit = PAGE;
    live.now();
  };
  form.addEventListener("submit", (event) => event.preventDefault());
  form.addEventListener("input", applyFilter);
  more.addEventListener("click", () => {
    limit += PAGE;
    live.now();
  });
  return live.stop;
}

function choice(name, label, options) {
  return h("select", { id: `filter-${name}`, name }, options.map(([value, text]) => h("option", { value }, text)));
}

async function fillWorkloads(select, name) {
  try {
    const workloads = await api.workloads();
    select.append(...workloads.map((workload) => h("option", { value: workload.name }, workload.name)));
  } catch {
    return; // the list of runs shows the error
  }
  select.value = name;
}

async function gather(filter, limit, signal) {
  const isGoingOn = filter.outcome === GOING_ON;
  const parameters = { ...filter, outcome: isGoingOn ? "" : filter.outcome, limit: Math.min(100, Math.max(PAGE, limit)) };
  const [runs, unreadable] = [[], []];
  let continuation = null;
  const pages = Math.max(MAX_PAGES, Math.ceil(limit / LEAST_A_PAGE));
  for (let page = 0; page < pages; page += 1) {
    const answer = await api.runs({ ...parameters, continuation }, { signal });
    runs.push(...answer.runs.filter((run) => !isGoingOn || run.outcome === null));
    unreadable.push(...(answer.unreadable ?? []));
    continuation = answer.continuation;
    if (continuation === null || runs.length >= limit) break;
  }
  return { runs: runs.slice(0, limit), unreadable, continuation: runs.length > limit ? "" : continuation };
}

/** The table of runs; a run keeps its row element, so the focus stays where it is. */
function runTable() {
  const body = h("tbody");
  const rowsById = new Map();
  const node = h(
    "div",
    { class: "scroll" },
    h(
      "table",
      { class: "runs" },
      h("caption", { class: "unseen" }, "Runs, newest first"),
      h("thead", {}, h("tr", {}, HEADINGS.map((name) => h("th", { scope: "col", class: OFF_PHONES.has(name) ? "wide" : null }, name)))),
      body,
    ),
  );
  return {
    node,
    show(runs) {
      node.hidden = runs.length === 0;
      const ids = new Set(runs.map((run) => run.run_id));
      for (const [id, row] of rowsById) {
        if (ids.has(id)) continue;
        row.node.remove();
        rowsById.delete(id);
      }
      runs.forEach((run, place) => {
        if (!rowsById.has(run.run_id)) rowsById.set(run.run_id, runRow(run));
        const row = rowsById.get(run.run_id);
        row.show(run);
        if (body.children[place] !== row.node) body.insertBefore(row.node, body.children[place] ?? null);
      });
    },
  };
}

function runRow(run) {
  const badge = h("span", { class: "badge" });
  const items = h("div", { class: "items" });
  const total = h("span", { class: "soft" });
  const cell = Object.fromEntries(["failed", "rate", "started", "took"].map((name) => [name, h("td", { class: "wide number" })]));
  const node = h(
    "tr",
    {},
    h("th", { scope: "row" }, h("a", { href: `#/runs/${encodeURIComponent(run.run_id)}` }, run.run_id)),
    h("td", { class: "wide" }, run.workload),
    h("td", {}, badge),
    h("td", { class: "filling" }, items, total),
    cell.failed, cell.rate, cell.started, cell.took,
  );
  let shownCounts = "";
  return {
    node,
    show(status) {
      badge.className = `badge state-${state(status)}`;
      say(badge, words(state(status)));
      const counts = JSON.stringify(status.items);
      if (counts !== shownCounts) {
        refill(items, itemsBar(status.items));
        shownCounts = counts;
      }
      say(total, `${count(status.items.total - status.items.pending)} of ${count(status.items.total)}`);
      say(cell.failed, count(status.items.failed + status.items.compensation_failed));
      say(cell.rate, rate(status.items_per_second));
      say(cell.started, distance(status.started_at));
      cell.started.title = moment(status.started_at);
      say(cell.took, duration(status.duration_seconds));
    },
  };
}
