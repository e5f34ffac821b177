/** The items of a run: how many are in each state, and the outcome of each. */

import { api } from "../api.js";
import { bar, legend } from "../charts.js";
import { problemBox } from "../dialog.js";
import { h, refill, say, table } from "../dom.js";
import { count, percent, pretty, words } from "../format.js";

export const KINDS = [
  ["succeeded", "Succeeded"],
  ["failed", "Failed"],
  ["compensated", "Compensated"],
  ["compensation_failed", "Compensation failed"],
  ["pending", "Pending"],
];
const PAGE = 50;
const MAX_ITEMS = 1000;
const MAX_CHARACTERS = 2000;
// The message of an error group has no line of the source.
const LINE = /^line \d+: /;

/** One bar of a run's items by state. */
export function itemsBar(items) {
  const parts = KINDS.map(([kind]) => [kind, items[kind]]);
  const texts = KINDS.filter(([kind]) => items[kind]).map(([kind, name]) => `${count(items[kind])} ${name.toLowerCase()}`);
  return bar(parts, items.total, texts.length ? `Of ${count(items.total)} items: ${texts.join(", ")}` : "No items yet");
}

/** The meaning of the colours of `itemsBar`, with the figures. */
export function itemsLegend(items) {
  return legend(
    KINDS.map(([kind, name]) => [kind, name, `${count(items[kind])} (${percent(items[kind], items.total)})`]),
  );
}

/** The part of a run's page that lists items a page at a time, when somebody asks for them. */
export function itemsSection(runId) {
  const choice = h(
    "select",
    { id: "items-status" },
    h("option", { value: "" }, "All"),
    KINDS.map(([kind, name]) => h("option", { value: kind }, name)),
  );
  const list = h("div");
  const more = h("button", { type: "button", hidden: true, onclick: () => load() }, "More items");
  const form = h(
    "form",
    { class: "filters" },
    h("label", { for: choice.id }, "Items that are"),
    choice,
    h("button", { type: "submit" }, "Show items"),
  );
  const only = h("p", { class: "soft", hidden: true });
  let rows = [];
  let continuation = null;
  let group = null;

  async function load(isFresh = false) {
    if (isFresh) [rows, continuation] = [[], null];
    try {
      const limit = group ? MAX_ITEMS : PAGE;
      const page = await api.items(runId, { status: choice.value, limit, continuation });
      rows = [...rows, ...page.items.filter((item) => isInGroup(item, group)).map(cells)];
      continuation = page.continuation;
    } catch (error) {
      refill(list, problemBox(error));
      return;
    }
    more.hidden = continuation === null;
    const empty = continuation ? "None so far; there may be more." : "There are none.";
    refill(list, rows.length ? table("Items", ["Index", "Item", "State", "Attempts", "Output or error"], rows, { number: [0, 3] }) : h("p", {}, empty));
  }

  function narrow(errorGroup) {
    group = errorGroup;
    only.hidden = group === null;
    say(only, group ? `Only those with ${group.type}: ${group.message}` : "");
  }

  form.addEventListener("submit", (event) => {
    event.preventDefault();
    narrow(null);
    load(true);
  });
  const node = h("section", { class: "card", "aria-labelledby": "items-title" }, h("h2", { id: "items-title" }, "Items"), form, only, list, more);
  return {
    node,
    open(status, errorGroup) {
      choice.value = status;
      narrow(errorGroup);
      node.scrollIntoView();
      choice.focus();
      return load(true);
    },
  };
}

/** Whether an item failed with the error of a group, whose message may be shortened. */
function isInGroup(item, group) {
  if (group === null) return true;
  return item.error?.type === group.type && item.error.message.replace(LINE, "").startsWith(group.message);
}

function cells(item) {
  const last = item.count > 1 ? ` to ${count(item.index + item.count - 1)}` : "";
  const text = item.error ? `${item.error.type}: ${item.error.message}` : pretty(item.output ?? "");
  return [
    `${count(item.index)}${last}`,
    item.item_id ?? "",
    h("span", { class: `badge state-${item.status}` }, words(item.status)),
    count(item.attempts),
    h("span", { class: "told" }, text.slice(0, MAX_CHARACTERS)),
  ];
}
