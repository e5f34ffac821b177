/** The function key: asked for once, stored in this tab's session, sent as a header by `api.js`. */

import { openDialog } from "./dialog.js";
import { h } from "./dom.js";

const NAME = "fanout-function-key";
let openQuestion = null;

export function storedKey() {
  return sessionStorage.getItem(NAME);
}

/** Ask for the key; calls at the same time share one dialog. Resolves to whether a key was given. */
export function askForKey() {
  openQuestion ??= ask().finally(() => {
    openQuestion = null;
  });
  return openQuestion;
}

function ask() {
  const field = h("input", {
    id: "key-field",
    name: "key",
    type: "password",
    autocomplete: "off",
    spellcheck: "false",
    "aria-describedby": "key-hint",
  });
  return openDialog({
    title: "Function key",
    body: [
      h("label", { for: "key-field" }, "Key"),
      field,
      h(
        "p",
        { id: "key-hint", class: "soft" },
        "It stays in this tab until you close it, and is sent as the header x-functions-key. Leave it empty to forget the key.",
      ),
    ],
    confirm: "Use this key",
    act: async () => {
      const key = field.value.trim();
      if (key) sessionStorage.setItem(NAME, key);
      else sessionStorage.removeItem(NAME);
    },
  });
}
