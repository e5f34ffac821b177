/** The API as a page: every call with what it takes and answers, read from the app's own OpenAPI document. */

import { api } from "./api.js";
import { problemBox } from "./dialog.js";
import { h, refill, table } from "./dom.js";
import { card } from "./progress.js";

const METHODS = ["get", "post", "patch", "delete"];

/** Show the page; returns what stops it. */
export function referencePage(main) {
  const whole = h("div");
  const told = "What scripts, the command line and this dashboard call. The document itself is openapi.json (OpenAPI 3.1).";
  refill(main, h("h1", {}, "API"), h("p", {}, told), whole);
  const stopper = new AbortController();
  api.openapi({ signal: stopper.signal }).then(
    (found) => refill(whole, calls(found), models(found.components.schemas)),
    (error) => stopper.signal.aborted || refill(whole, problemBox(error)),
  );
  return () => stopper.abort();
}

function calls({ paths }) {
  return Object.entries(paths).flatMap(([path, said]) =>
    METHODS.filter((method) => said[method]).map((method) => call(method, path, said[method])),
  );
}

function call(method, path, said) {
  const parts = [h("p", {}, said.summary), said.description ? h("p", {}, said.description) : null];
  const body = said.requestBody?.content?.["application/json"]?.schema;
  if (body) parts.push(h("p", {}, "Takes ", kind(body), said.requestBody.required ? "." : ", or nothing."));
  if (said.parameters.length) parts.push(parameters(said));
  parts.push(answers(said));
  return card(`call-${said.operationId}`, `${method.toUpperCase()} ${path}`, ...parts);
}

function parameters({ operationId, parameters: listed }) {
  const rows = listed.map((one) => [
    h("code", {}, one.name),
    one.in,
    kind(one.schema),
    one.description ?? "",
  ]);
  return table(`Parameters of ${operationId}`, ["Parameter", "In", "Type", "Meaning"], rows);
}

function answers({ operationId, responses }) {
  const rows = Object.entries(responses).map(([status, answer]) => [
    status,
    answer.description,
    Object.entries(answer.content ?? {}).map(([type, { schema }]) => [h("code", {}, type), " ", kind(schema)]),
  ]);
  return table(`Answers of ${operationId}`, ["Status", "When", "Content"], rows);
}

function models(schemas) {
  return Object.entries(schemas).map(([name, schema]) => {
    const needed = new Set(schema.required ?? []);
    const rows = Object.entries(schema.properties ?? {}).map(([field, said]) => [
      h("code", {}, field),
      kind(said),
      needed.has(field) ? "yes" : "",
      said.default === undefined || said.default === null ? "" : h("code", {}, JSON.stringify(said.default)),
    ]);
    const first = (schema.description ?? "").split("\n\n")[0];
    const body = rows.length ? table(`Fields of ${name}`, ["Field", "Type", "Needed", "If left out"], rows) : null;
    return h("section", { class: "card", id: `model-${name}`, "aria-label": name }, h("h2", {}, name), h("p", {}, first), body);
  });
}

/** What a schema asks for, in words; a model is a link to it. */
function kind(schema = {}) {
  if (schema.$ref) {
    const name = schema.$ref.split("/").pop();
    return h("button", { type: "button", class: "link", onclick: () => lead(name) }, name);
  }
  const choices = schema.anyOf ?? schema.oneOf;
  if (choices) return choices.flatMap((one, i) => (i ? [" or ", kind(one)] : [kind(one)]));
  if (schema.enum) return schema.enum.map(String).join(", ");
  if (schema.const !== undefined) return JSON.stringify(schema.const);
  if (schema.type === "array") return ["list of ", kind(schema.items)];
  const bounds = [
    schema.minimum === undefined ? null : `from ${schema.minimum}`,
    schema.exclusiveMinimum === undefined ? null : `above ${schema.exclusiveMinimum}`,
    schema.maximum === undefined ? null : `to ${schema.maximum}`,
    schema.maxLength === undefined ? null : `up to ${schema.maxLength} characters`,
  ].filter(Boolean);
  return [schema.type ?? "anything", bounds.length ? `, ${bounds.join(" ")}` : ""];
}

function lead(name) {
  const section = document.getElementById(`model-${name}`);
  section?.scrollIntoView();
  section?.setAttribute("tabindex", "-1");
  section?.focus();
}
