/** The kinds of failure of a run, each with an item to look at. */

import { h, refill, table } from "../dom.js";
import { count } from "../format.js";
import { card } from "./progress.js";

/** The part of the page with the error groups; `showItems(status, group)` opens the list of items. */
export function errorsSection(showItems) {
  const list = h("div");
  const failed = h("button", { type: "button", onclick: () => showItems("failed", null) }, "Show all failed items");
  const node = card("errors", "Errors", list, failed);
  let shownJson = null;
  return {
    node,
    show(run) {
      const json = JSON.stringify(run.errors);
      failed.hidden = !run.items.failed;
      if (json === shownJson) return;
      shownJson = json;
      const rows = run.errors.map((group) => [
        count(group.count),
        h("code", {}, group.type),
        h("span", { class: "told" }, group.message),
        example(group, showItems),
      ]);
      const headings = ["Items", "Error", "Message", "For example"];
      refill(list, rows.length ? table("Kinds of failure", headings, rows, { number: [0] }) : h("p", { class: "soft" }, "No item has been given up on."));
    },
  };
}

function example(group, showItems) {
  if (!group.example_item) return "";
  const label = `Items that failed with ${group.type}, such as ${group.example_item}`;
  return h("button", { type: "button", class: "link", "aria-label": label, onclick: () => showItems("", group) }, group.example_item);
}
