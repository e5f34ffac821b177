/** The request and the results of a run: files, and the report as it is rendered. */

import { api } from "../api.js";
import { problemBox } from "../dialog.js";
import { facts, h, refill, table } from "../dom.js";
import { bytes, count, pretty } from "../format.js";
import { card } from "./progress.js";

const MAX_PICTURES = 6;
const MAX_PICTURE_BYTES = 4 * 1024 * 1024;
const RELEASE_MS = 60_000;
const PICTURES = new Set(["image/svg+xml", "image/png", "image/jpeg", "image/webp"]);

/** The part of the page with the request; it is read when somebody opens it. */
export function requestSection(runId) {
  const text = h("div");
  const details = h("details", {}, h("summary", {}, "What was asked, as JSON"), text);
  details.addEventListener("toggle", async () => {
    if (!details.open) return;
    try {
      const request = await api.request(runId);
      refill(text, sourceFacts(request), code(pretty(request), "Request"));
    } catch (error) {
      refill(text, problemBox(error));
    }
  });
  return { node: card("request", "Request", details) };
}

function sourceFacts({ source }) {
  return facts([
    ["Source", source.kind],
    ["Container", source.container],
    ["Blob", source.blob],
    ["Prefix", source.prefix],
    ["Items in it", source.items?.length],
    ["Characters in it", (source.text ?? source.base64)?.length],
    ["Read as", source.read?.kind],
  ]);
}

function code(text, label) {
  return h("pre", { tabindex: "0", role: "region", "aria-label": label }, text);
}

/** The part of the page with the results; read once for each attempt that has ended. */
export function resultsSection(runId) {
  const list = h("div", {}, h("p", { class: "soft" }, "There are none before the run has ended."));
  const report = h("div");
  const node = card("results", "Results", report, list);
  let shownEnd = null;

  async function load() {
    try {
      const manifest = await api.results(runId);
      refill(list, fileTable(runId, manifest.files), summaryDetails(manifest.summary));
      await render(runId, manifest.files, report);
    } catch (error) {
      refill(list, problemBox(error));
    }
  }

  return {
    node,
    show(run) {
      const end = run.phase === "done" ? run.finished_at : null;
      if (end === shownEnd || end === null) return;
      shownEnd = end;
      load();
    },
  };
}

function fileTable(runId, files) {
  const rows = files.map((file) => [
    h("button", { type: "button", class: "link", onclick: (event) => download(runId, file, event.target) }, file.name),
    bytes(file.size_bytes),
    file.count === null ? "" : count(file.count),
    h("code", {}, file.md5),
  ]);
  return table("Result files", ["File", "Size", "Lines or rows", "MD5"], rows, { number: [1, 2] });
}

async function download(runId, file, button) {
  button.disabled = true;
  try {
    const address = URL.createObjectURL(await api.file(runId, file.name));
    h("a", { href: address, download: file.name.split("/").at(-1) }).click();
    setTimeout(() => URL.revokeObjectURL(address), RELEASE_MS);
  } catch (error) {
    button.after(problemBox(error));
  } finally {
    button.disabled = false;
  }
}

function summaryDetails(summary) {
  if (!summary || !Object.keys(summary).length) return null;
  return h("details", {}, h("summary", {}, "Summary, as JSON"), code(pretty(summary), "Summary"));
}

async function render(runId, files, place) {
  const page = files.find((file) => file.media_type.startsWith("text/html"));
  if (page) {
    const text = await (await api.file(runId, page.name)).text();
    refill(place, frame(text, page.name));
    return;
  }
  const pictures = files.filter((file) => PICTURES.has(file.media_type) && file.size_bytes <= MAX_PICTURE_BYTES);
  refill(place, await Promise.all(pictures.slice(0, MAX_PICTURES).map((file) => picture(runId, file))));
}

/** A page that the run rendered, in a sandbox without origin, scripts or network of its own. */
function frame(text, name) {
  const node = h("iframe", {
    class: "report",
    title: `Report: ${name}`,
    sandbox: "allow-scripts",
    src: new URL("../frame.html", import.meta.url).href,
  });
  // A sandbox has no origin to name; the text is what the user sees anyway.
  node.addEventListener("load", () => node.contentWindow.postMessage(text, "*"), { once: true });
  return node;
}

async function picture(runId, file) {
  const content = await api.file(runId, file.name);
  const address = await new Promise((settle, fail) => {
    const reader = new FileReader();
    reader.onload = () => settle(reader.result);
    reader.onerror = () => fail(reader.error);
    reader.readAsDataURL(new Blob([content], { type: file.media_type }));
  });
  return h("figure", {}, h("img", { src: address, alt: `Picture of the results: ${file.name}`, class: "result" }), h("figcaption", {}, file.name));
}
