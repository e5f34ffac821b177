/** The API as a page: every call with its parameters and responses, from the app's OpenAPI document. */

import { api } from "../api.js";
import { problemBox } from "../dialog.js";
import { h, refill, table } from "../dom.js";
import { card } from "../sections/progress.js";

const METHODS = ["get", "post", "patch", "delete"];

/** Show the page; returns a function that stops it. */
export function referencePage(main) {
  const whole = h("div");
  const introduction = "What scripts, the command line and this dashboard call. The document itself is openapi.json (OpenAPI 3.1).";
  refill(main, h("h1", {}, "API"), h("p", {}, introduction), whole);
  const stopper = new AbortController();
  api.openapi({ signal: stopper.signal }).then(
    (description) => refill(whole, calls(description), models(description.components.schemas)),
    (error) => stopper.signal.aborted || refill(whole, problemBox(error)),
  );
  return () => stopper.abort();
}

function calls({ paths }) {
  return Object.entries(paths).flatMap(([path, operations]) =>
    METHODS.filter((method) => operations[method]).map((method) => call(method, path, operations[method])),
  );
}

function call(method, path, operation) {
  const parts = [h("p", {}, operation.summary), operation.description ? h("p", {}, operation.description) : null];
  const body = operation.requestBody?.content?.["application/json"]?.schema;
  if (body) parts.push(h("p", {}, "Takes ", kind(body), operation.requestBody.required ? "." : ", or nothing."));
  if (operation.parameters.length) parts.push(parameterTable(operation));
  parts.push(answers(operation));
  return card(`call-${operation.operationId}`, `${method.toUpperCase()} ${path}`, ...parts);
}

function parameterTable({ operationId, parameters }) {
  const rows = parameters.map((parameter) => [
    h("code", {}, parameter.name),
    parameter.in,
    kind(parameter.schema),
    parameter.description ?? "",
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
    const required = new Set(schema.required ?? []);
    const rows = Object.entries(schema.properties ?? {}).map(([field, property]) => [
      h("code", {}, field),
      kind(property),
      required.has(field) ? "yes" : "",
      property.default === undefined || property.default === null ? "" : h("code", {}, JSON.stringify(property.default)),
    ]);
    const first = (schema.description ?? "").split("\n\n")[0];
    const body = rows.length ? table(`Fields of ${name}`, ["Field", "Type", "Needed", "If left out"], rows) : null;
    return h("section", { class: "card", id: `model-${name}`, "aria-label": name }, h("h2", {}, name), h("p", {}, first), body);
  });
}

/** A schema in words; a model is a link to it. */
function kind(schema = {}) {
  if (schema.$ref) {
    const name = schema.$ref.split("/").pop();
    return h("button", { type: "button", class: "link", onclick: () => focusModel(name) }, name);
  }
  const choices = schema.anyOf ?? schema.oneOf;
  if (choices) return choices.flatMap((choice, i) => (i ? [" or ", kind(choice)] : [kind(choice)]));
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

function focusModel(name) {
  const section = document.getElementById(`model-${name}`);
  section?.scrollIntoView();
  section?.setAttribute("tabindex", "-1");
  section?.focus();
}
