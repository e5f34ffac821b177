/** Elements made from data: data become text or attributes, never markup. */

const SVG = "http://www.w3.org/2000/svg";

/**
 * Make an element.
 * @param {string} tag Its name.
 * @param {Object<string, any>} attributes `on...` are listeners; true sets, null and false leave out.
 * @param {...(Node|string|number|null|undefined|Array)} children Texts become text nodes.
 */
export function h(tag, attributes = {}, ...children) {
  return fill(document.createElement(tag), attributes, children);
}

/** Make an element of SVG; as `h`. */
export function svg(tag, attributes = {}, ...children) {
  return fill(document.createElementNS(SVG, tag), attributes, children);
}

function fill(node, attributes, children) {
  for (const [name, value] of Object.entries(attributes)) {
    if (value === null || value === undefined || value === false) continue;
    if (name.startsWith("on")) node.addEventListener(name.slice(2), value);
    else node.setAttribute(name, value === true ? "" : String(value));
  }
  node.append(...nodes(children));
  return node;
}

function nodes(children) {
  return children
    .flat(Infinity)
    .filter((child) => child !== null && child !== undefined && child !== false)
    .map((child) => (child instanceof Node ? child : String(child)));
}

/** Replace the children of a node. */
export function refill(node, ...children) {
  node.replaceChildren(...nodes(children));
  return node;
}

/** Set a text only if it differs, so that a screen reader does not read it out again. */
export function say(node, text) {
  const string = String(text);
  if (node.textContent !== string) node.textContent = string;
}

/** A table with a caption, column headings and rows of cells; a cell may be a node. */
export function table(caption, headings, rows, { number = [] } = {}) {
  const kind = (column) => (number.includes(column) ? "number" : null);
  return h(
    "div",
    { class: "scroll", tabindex: "0", role: "region", "aria-label": caption },
    h(
      "table",
      {},
      h("caption", { class: "unseen" }, caption),
      h("thead", {}, h("tr", {}, headings.map((name, i) => h("th", { scope: "col", class: kind(i) }, name)))),
      h(
        "tbody",
        {},
        rows.map((cells) => h("tr", {}, cells.map((cell, i) => h("td", { class: kind(i) }, cell)))),
      ),
    ),
  );
}

/** Terms and their values, as a definition list. */
export function facts(pairs) {
  return h(
    "dl",
    { class: "facts" },
    pairs
      .filter(([, value]) => value !== null && value !== undefined)
      .map(([term, value]) => h("div", {}, h("dt", {}, term), h("dd", {}, value))),
  );
}
