/** The dashboard: shows the page of the address, and stops the previous one. */

import { h, refill } from "./dom.js";
import { askForKey } from "./key.js";
import { announce } from "./live.js";
import { healthPage } from "./pages/health.js";
import { referencePage } from "./pages/reference.js";
import { runPage } from "./pages/run.js";
import { runsPage } from "./pages/runs.js";
import { schedulesPage } from "./pages/schedules.js";
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
let shownPath = null;

function route(isFirst = false) {
  const [path, search = ""] = location.hash.slice(1).split("?");
  if (path === shownPath) return;
  shownPath = path;
  stop();
  stop = show(path, new URLSearchParams(search));
  if (!isFirst) main.focus();
  announce(document.title);
}

function show(path, query) {
  for (const [pattern, name, title, page] of PAGES) {
    const match = pattern.exec(path);
    if (!match) continue;
    const [subject] = match.slice(1).map(decodeURIComponent);
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
  shownPath = null;
  route();
});
document.getElementById("skip").addEventListener("click", (event) => {
  event.preventDefault();
  main.focus();
});
window.addEventListener("hashchange", () => route());
route(true);
