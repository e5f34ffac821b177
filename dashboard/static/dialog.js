/** Dialogs that ask before an action, and show why the app refuses it. */

import { h, refill } from "./dom.js";

let number = 0;

/**
 * Open a modal dialog and wait for its end.
 * @param {Object} options What to show.
 * @param {string} options.title The question.
 * @param {Array} options.body The contents between title and buttons.
 * @param {string} options.confirm The label of the button that confirms.
 * @param {function(): Promise<any>} options.act The action; if it throws, the error is shown and the dialog stays.
 * @param {boolean} options.isDangerous Whether the action takes something away.
 * @returns {Promise<boolean>} Whether it was done.
 */
export function openDialog({ title, body, confirm, act, isDangerous = false }) {
  number += 1;
  const heading = h("h2", { id: `dialog-${number}` }, title);
  const refusal = h("div", { class: "refusal", role: "alert" });
  const go = h("button", { type: "submit", class: isDangerous ? "danger" : "primary" }, confirm);
  const back = h("button", { type: "button", onclick: () => dialog.close("back") }, "Back");
  const form = h("form", {}, heading, body, refusal, h("div", { class: "buttons" }, back, go));
  const dialog = h("dialog", { "aria-labelledby": heading.id }, form);
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    go.disabled = true;
    refill(refusal);
    try {
      await act();
      dialog.close("done");
    } catch (error) {
      refill(refusal, problemBox(error));
    } finally {
      go.disabled = false;
    }
  });
  return new Promise((settle) => {
    dialog.addEventListener("close", () => {
      dialog.remove();
      settle(dialog.returnValue === "done");
    });
    document.body.append(dialog);
    dialog.showModal();
  });
}

/** The problem that the app reports: its title, its detail, and each field that is wrong. */
export function problemBox(error) {
  return h(
    "div",
    { class: "problem" },
    h("strong", {}, error.title || "That did not work"),
    h("p", {}, error.message),
    error.errors?.length
      ? h("ul", {}, error.errors.map((fault) => h("li", {}, h("code", {}, fault.field), ` ${fault.message}`)))
      : null,
  );
}
