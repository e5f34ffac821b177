/** The actions on a run; each asks for confirmation first, and shows why the app refuses it. */

import { api } from "../api.js";
import { openDialog } from "../dialog.js";
import { h } from "../dom.js";
import { several } from "../format.js";
import { announce } from "../live.js";

const MOST_TYPES = 20;

/**
 * The buttons of a run's page.
 * @param {string} runId The run.
 * @param {function(): void} refresh Called after an action.
 */
export function controls(runId, refresh) {
  let run = null;

  async function ask(dialog) {
    if (!(await openDialog(dialog))) return;
    announce(`Done: ${dialog.title}`);
    refresh();
  }

  const buttons = {
    cancel: button("Cancel…", () => ask(cancelDialog(run)), "danger"),
    suspend: button("Suspend…", () => ask(suspendDialog(run))),
    resume: button("Resume…", () => ask(resumeDialog(run))),
    change: button("Change limits…", () => ask(changeDialog(run))),
    redrive: button("Redrive…", () => ask(redriveDialog(run)), "primary"),
    again: button("Run again…", async () => openStart(await api.request(runId))),
  };
  const node = h("div", { class: "buttons", role: "group", "aria-label": "Steer this run" }, Object.values(buttons));
  return {
    node,
    show(status) {
      run = status;
      const isOver = run.phase === "done";
      const isSuspended = run.status === "Suspended";
      buttons.cancel.hidden = isOver;
      buttons.change.hidden = isOver;
      buttons.suspend.hidden = isOver || isSuspended;
      buttons.resume.hidden = isOver || !isSuspended;
      // The app refuses to redrive a run of which nothing is left to be done, or to be undone.
      const isUndone = run.outcome === "compensated" && !run.items.compensation_failed;
      buttons.redrive.hidden = !isOver || run.outcome === "succeeded" || isUndone;
      buttons.again.hidden = !isOver;
    },
  };
}

function button(text, act, kind = null) {
  return h("button", { type: "button", class: kind, hidden: true, onclick: act }, text);
}

function cancelDialog(run) {
  return {
    title: "Cancel this run?",
    body: [h("p", {}, "Batches in flight finish. The rest of the items stay pending; a redrive takes them up again.")],
    confirm: "Cancel the run",
    act: () => api.cancel(run.run_id),
    isDangerous: true,
  };
}

function suspendDialog(run) {
  return {
    title: "Suspend this run?",
    body: [h("p", {}, "Batches in flight finish, and nothing begins until it is resumed.")],
    confirm: "Suspend the run",
    act: () => api.suspend(run.run_id),
  };
}

function resumeDialog(run) {
  return {
    title: "Resume this run?",
    body: [h("p", {}, "It goes on within half a minute.")],
    confirm: "Resume the run",
    act: () => api.resume(run.run_id),
  };
}

function redriveDialog(run) {
  const types = [...new Set(run.errors.map((group) => group.type))].slice(0, MOST_TYPES);
  const boxes = types.map((type) => h("input", { type: "checkbox", name: "type", value: type, checked: true }));
  const remaining = run.items.failed + run.items.pending;
  const tries = h("input", { id: "redrive-tries", type: "number", inputmode: "numeric", min: 1, step: 1, "aria-describedby": "redrive-hint" });
  return {
    title: "Redrive this run?",
    body: [
      h("p", {}, `Another attempt of the same run, over its ${several(remaining, "failed or pending item")}.`),
      types.length > 1
        ? h("fieldset", {}, h("legend", {}, "Failed items whose error is"),
            boxes.map((box, place) => h("label", { class: "check" }, box, h("code", {}, types[place]))))
        : null,
      labelField("Times that an item is tried at most", tries),
      h("p", { id: "redrive-hint", class: "soft" }, "Empty is as often as the request says."),
    ],
    confirm: "Redrive the run",
    act: async () => {
      const selected = boxes.filter((box) => box.checked).map((box) => box.value);
      const options = selected.length === types.length ? {} : { error_types: selected };
      if (numberOf(tries) !== null) {
        const { retry } = await api.request(run.run_id);
        options.retry = { ...retry, max_attempts: numberOf(tries) };
      }
      return api.redrive(run.run_id, options);
    },
  };
}

function changeDialog(run) {
  const limits = run.limits;
  const batches = numberField("batches", limits?.batches, { min: 1, step: 1 });
  const speed = numberField("rate", limits?.items_per_second, { min: 0, step: "any" });
  const failures = numberField("tolerance-count", limits?.tolerance.count, { min: 0, step: 1 });
  const share = numberField("tolerance-percentage", limits?.tolerance.percentage, { min: 0, max: 100, step: "any" });
  return {
    title: "Change the limits of this run?",
    body: [
      h("p", {}, "In force within one wave."),
      labelField("Batches at once", batches),
      labelField("Items a second; empty is as fast as it can", speed),
      labelField("Failures it may have", failures),
      labelField("Or percent of its items that may fail", share),
    ],
    confirm: "Change the limits",
    act: () => {
      const concurrency = { ...(numberOf(batches) !== null && { batches: numberOf(batches) }), items_per_second: numberOf(speed) };
      const tolerance = { count: numberOf(failures) ?? 0, percentage: numberOf(share) ?? 0 };
      return api.change(run.run_id, { concurrency, tolerance });
    },
  };
}

function numberField(name, value, limits) {
  return h("input", { id: `limit-${name}`, type: "number", inputmode: "decimal", value: value ?? "", ...limits });
}

function labelField(text, field) {
  return h("div", { class: "field" }, h("label", { for: field.id }, text), field);
}

function numberOf(field) {
  return field.value === "" ? null : Number(field.value);
}

const EXAMPLE = {
  workload: "reports",
  source: { kind: "inline", items: [{ city: "Oslo", mm: "3.5" }, { city: "Rome", mm: "1" }] },
  parameters: { group_by: ["city"], metrics: { mm: ["count", "sum", "mean"] } },
};

/** Ask for a request, as JSON, and start it; `template` is shown first. */
export async function openStart(template = EXAMPLE) {
  const { run_id: earlierId, ...request } = template;
  const field = h("textarea", { id: "start-request", rows: 16, spellcheck: "false" });
  field.value = JSON.stringify(request, null, 2);
  let started = null;
  const isDone = await openDialog({
    title: earlierId ? "Run this again?" : "Start a run?",
    body: [h("label", { for: field.id }, "Request, as JSON"), field],
    confirm: "Start the run",
    act: async () => {
      started = await api.start(JSON.parse(field.value));
      // A dry run starts nothing: its estimate is shown instead.
      if (!started.run_id) throw new Error(JSON.stringify(started));
    },
  });
  if (isDone) location.hash = `#/runs/${encodeURIComponent(started.run_id)}`;
}
