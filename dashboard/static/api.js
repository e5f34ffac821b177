/** The public HTTP API of the app. The function key goes into a header, never into an address. */

import { askForKey, storedKey } from "./key.js";

const BASE = new URL("../", import.meta.url);
const KEY_HEADER = "x-functions-key";

/** A response that is no success, with its problem JSON (RFC 9457). */
export class Problem extends Error {
  constructor(status, body) {
    super(body.detail || body.title || `The app answered with ${status}.`);
    this.name = "Problem";
    this.status = status;
    this.title = body.title || `Status ${status}`;
    this.type = body.type || "about:blank";
    this.errors = Array.isArray(body.errors) ? body.errors : [];
  }
}

async function send(path, options = {}) {
  const headers = new Headers(options.headers);
  const key = storedKey();
  if (key) headers.set(KEY_HEADER, key);
  const address = new URL(path, BASE);
  if (address.origin !== BASE.origin) throw new TypeError("The dashboard asks its own app only.");
  return fetch(address, { ...options, headers, cache: "no-store", credentials: "same-origin" });
}

async function ask(path, { accept = [], ...options } = {}) {
  let answer = await send(path, options);
  if (answer.status === 401 && (await askForKey(options.signal))) answer = await send(path, options);
  if (answer.ok || accept.includes(answer.status)) return answer;
  throw new Problem(answer.status, await readProblem(answer));
}

async function readProblem(answer) {
  try {
    const body = await answer.json();
    return body && typeof body === "object" ? body : {};
  } catch {
    if (answer.status === 401) return { title: "Unauthorized", detail: "The app asks for a function key." };
    return {};
  }
}

async function get(path, options) {
  return (await ask(path, options)).json();
}

async function sendJson(method, path, body) {
  const headers = { "Content-Type": "application/json" };
  const answer = await ask(path, { method, headers, body: body === undefined ? undefined : JSON.stringify(body) });
  const text = await answer.text();
  return text ? JSON.parse(text) : {};
}

function query(values) {
  const entries = Object.entries(values).filter(([, value]) => value !== null && value !== undefined && value !== "");
  return entries.length ? `?${new URLSearchParams(entries)}` : "";
}

const runPath = (id, rest = "") => `runs/${encodeURIComponent(id)}${rest}`;

export const api = {
  runs: (filter, options) => get(`runs${query(filter)}`, options),
  run: (id, options) => get(runPath(id), options),
  timeline: (id, attempt, options) => get(runPath(id, `/timeline${query({ attempt })}`), options),
  request: (id) => get(runPath(id, "/request")),
  items: (id, filter) => get(runPath(id, `/items${query(filter)}`)),
  results: (id) => get(runPath(id, "/results")),
  file: async (id, name) => (await ask(runPath(id, `/results/${name.split("/").map(encodeURIComponent).join("/")}`))).blob(),
  start: (request) => sendJson("POST", "runs", request),
  cancel: (id) => sendJson("POST", runPath(id, "/cancel")),
  suspend: (id) => sendJson("POST", runPath(id, "/suspend")),
  resume: (id) => sendJson("POST", runPath(id, "/resume")),
  redrive: (id, options) => sendJson("POST", runPath(id, "/redrive"), options),
  change: (id, limits) => sendJson("PATCH", runPath(id), limits),
  workloads: async () => (await get("workloads")).workloads,
  schedules: async (options) => (await get("schedules", options)).schedules,
  openapi: (options) => get("openapi.json", options),
  health: (options) => get("health", { ...options, accept: [503] }),
};
