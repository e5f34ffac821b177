/** The dashboard: shows the page that the address names, and stops the one before. */

import { h, refill } from "./dom.js";
import { healthPage } from "./health.js";
import { askForKey } from "./key.js";
import { announce } from "./live.js";
import { referencePage } from "./reference.js";
import { runPage } from "./run.js";
import { runsPage } from "./runs.js";
import { schedulesPage } from "./schedules.js";
import { bindTheme } from "./theme.js";

const PAGES = [
  [/^\/?$/, "runs", "Runs", runsPage],
  [/^\/runs\/([^/]+)$/, "runs", null, runPage],
  [/^\/schedules$/, "schedules", "Schedules", schedulesPage],
  [/^\/health$/, "health", "Health", healthPage],
  [/^\/api$/, "api", "API", referencePage],
];

const main = document.getElementById("main");
let stop = () => {};
let shown = null;

function route(isFirst = false) {
  const [path, search = ""] = location.hash.slice(1).split("?");
  if (path === shown) return;
  shown = path;
  stop();
  stop = show(path, new URLSearchParams(search));
  if (!isFirst) main.focus();
  announce(document.title);
}

function show(path, query) {
  for (const [pattern, name, title, page] of PAGES) {
    const found = pattern.exec(path);
    if (!found) continue;
    const [subject] = found.slice(1).map(decodeURIComponent);
    mark(name);
    document.title = `${title ?? subject} · Fanout`;
    return page(refill(main), { subject, query });
  }
  mark(null);
  document.title = "No such page · Fanout";
  refill(main, h("h1", {}, "There is no such page"), h("p", {}, h("a", { href: "#/" }, "To the runs")));
  return () => {};
}

function mark(name) {
  for (const link of document.querySelectorAll("nav [data-page]")) {
    if (link.dataset.page === name) link.setAttribute("aria-current", "page");
    else link.removeAttribute("aria-current");
  }
}

bindTheme(document.getElementById("theme"));
document.getElementById("key").addEventListener("click", async () => {
  if (!(await askForKey())) return;
  shown = null;
  route();
});
document.getElementById("skip").addEventListener("click", (event) => {
  event.preventDefault();
  main.focus();
});
window.addEventListener("hashchange", () => route());
route(true);
