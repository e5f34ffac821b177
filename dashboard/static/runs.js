/** The list of runs: newest first, filtered, kept up to date. */

import { api } from "./api.js";
import { openStart } from "./control.js";
import { problemBox } from "./dialog.js";
import { h, refill, say } from "./dom.js";
import { count, distance, duration, moment, rate, state, words } from "./format.js";
import { itemsBar } from "./items.js";
import { poll } from "./live.js";

const PAGE = 20;
// A filter that finds little looks through no more pages than these at a time.
const MOST_PAGES = 5;
const REFRESH_SECONDS = 3;
const GOING_ON = "going_on";
const OUTCOMES = [GOING_ON, "succeeded", "partially_succeeded", "failed", "compensated", "cancelled"];
const HEADINGS = ["Run", "Workload", "State", "Items", "Failed", "Rate", "Started", "Took"];
const OFF_PHONES = new Set(["Workload", "Failed", "Rate", "Started", "Took"]);

/** Show the page; returns what stops it. */
export function runsPage(main, { query }) {
  const workload = choice("workload", "Workload", [["", "All"]]);
  const outcome = choice("outcome", "Outcome", [["", "All"], ...OUTCOMES.map((name) => [name, words(name)])]);
  const text = h("input", { id: "filter-text", type: "search", name: "text", autocomplete: "off", spellcheck: "false", placeholder: "Part of the id" });
  outcome.value = query.get("outcome") ?? "";
  text.value = query.get("text") ?? "";
  const rows = rowKeeper();
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
  let wanted = PAGE;

  async function refresh(signal) {
    const filter = { workload: workload.value || query.get("workload"), outcome: outcome.value, text: text.value.trim() };
    try {
      const found = await gather(filter, wanted, signal);
      refill(refusal);
      rows.show(found.runs);
      more.hidden = found.continuation === null;
      say(note, found.runs.length ? "" : found.continuation ? "None among the newest runs." : "There are no such runs.");
    } catch (error) {
      if (error.status === undefined || signal.aborted) throw error;
      refill(refusal, problemBox(error));
    }
    return REFRESH_SECONDS;
  }

  const live = poll(refresh);
  const changed = () => {
    query = new URLSearchParams(
      [["workload", workload.value], ["outcome", outcome.value], ["text", text.value.trim()]].filter(([, value]) => value),
    );
    history.replaceState(null, "", query.size ? `#/?${query}` : "#/");
    wanted = PAGE;
    live.now();
  };
  form.addEventListener("submit", (event) => event.preventDefault());
  form.addEventListener("input", changed);
  more.addEventListener("click", () => {
    wanted += PAGE;
    live.now();
  });
  return live.stop;
}

function choice(name, label, options) {
  return h("select", { id: `filter-${name}`, name }, options.map(([value, text]) => h("option", { value }, text)));
}

async function fillWorkloads(select, chosen) {
  try {
    const found = await api.workloads();
    select.append(...found.map(({ name }) => h("option", { value: name }, name)));
  } catch {
    return; // the list of runs says what is wrong
  }
  select.value = chosen;
}

async function gather(filter, wanted, signal) {
  const isGoingOn = filter.outcome === GOING_ON;
  const asked = { ...filter, outcome: isGoingOn ? "" : filter.outcome, limit: Math.min(100, Math.max(PAGE, wanted)) };
  const runs = [];
  let continuation = null;
  for (let page = 0; page < MOST_PAGES; page += 1) {
    const found = await api.runs({ ...asked, continuation }, { signal });
    runs.push(...found.runs.filter((run) => !isGoingOn || run.outcome === null));
    continuation = found.continuation;
    if (continuation === null || runs.length >= wanted) break;
  }
  return { runs: runs.slice(0, wanted), continuation: runs.length > wanted ? "" : continuation };
}

/** The table of runs, whose rows stay the same elements, so that the focus stays where it is. */
function rowKeeper() {
  const body = h("tbody");
  const kept = new Map();
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
      for (const [id, row] of kept) {
        if (ids.has(id)) continue;
        row.node.remove();
        kept.delete(id);
      }
      runs.forEach((run, place) => {
        if (!kept.has(run.run_id)) kept.set(run.run_id, runRow(run));
        const row = kept.get(run.run_id);
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
  let drawn = "";
  return {
    node,
    show(found) {
      badge.className = `badge state-${state(found)}`;
      say(badge, words(state(found)));
      const counts = JSON.stringify(found.items);
      if (counts !== drawn) {
        refill(items, itemsBar(found.items));
        drawn = counts;
      }
      say(total, `${count(found.items.total - found.items.pending)} of ${count(found.items.total)}`);
      say(cell.failed, count(found.items.failed + found.items.compensation_failed));
      say(cell.rate, rate(found.items_per_second));
      say(cell.started, distance(found.started_at));
      cell.started.title = moment(found.started_at);
      say(cell.took, duration(found.duration_seconds));
    },
  };
}
