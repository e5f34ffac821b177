/** Charts as SVG; each has a sentence that describes it, and a table of its figures. */

import { h, refill, svg, table } from "./dom.js";
import { duration, short } from "./format.js";

const LEFT = 52;
const BOTTOM = 24;
const TOP = 10;
const RIGHT = 8;

/**
 * A figure whose table is made only when somebody opens it.
 * @returns {{node: HTMLElement, show: function(Object): void}} `show` takes `draw(width)`, `text`, `rows()`.
 */
export function figure(title, headings, number) {
  const picture = h("div", { class: "picture" });
  const caption = h("figcaption", {}, title);
  const holder = h("div");
  const details = h("details", {}, h("summary", {}, `${title} as a table`), holder);
  const node = h("figure", {}, caption, picture, details);
  let latest = null;
  const fill = () => {
    if (latest && details.open) refill(holder, table(title, headings, latest.rows(), { number }));
  };
  const draw = () => {
    if (!latest || !picture.clientWidth) return;
    refill(picture, latest.draw(picture.clientWidth));
  };
  details.addEventListener("toggle", fill);
  new ResizeObserver(draw).observe(picture);
  return {
    node,
    show(chart) {
      latest = chart;
      draw();
      fill();
    },
  };
}

/** A legend: what each colour stands for, with a figure beside it where there is one. */
export function legend(entries) {
  return h(
    "ul",
    { class: "legend" },
    entries.map(([kind, name, figure]) =>
      h(
        "li",
        {},
        svg("svg", { class: "swatch", viewBox: "0 0 12 12", "aria-hidden": "true" },
          svg("rect", { class: `fill-${kind}`, width: 12, height: 12, rx: 2 })),
        h("span", {}, name),
        figure === undefined ? null : h("strong", {}, figure),
      ),
    ),
  );
}

/** One bar of parts, each `[kind, amount]`, that add up to `total`. */
export function bar(parts, total, text) {
  const picture = svg("svg", {
    class: "bar", viewBox: "0 0 1000 10", preserveAspectRatio: "none", role: "img", "aria-label": text,
  });
  let x = 0;
  for (const [kind, amount] of parts) {
    if (!amount || !total) continue;
    // Even the smallest part is visible.
    const width = Math.min(1000 - x, Math.max(4, (1000 * amount) / total));
    picture.append(svg("rect", { class: `fill-${kind}`, x, width, height: 10 }));
    x += width;
  }
  return picture;
}

/**
 * Areas stacked over time, in steps of a bucket.
 * @param {Object} chart `width` in pixels, `seconds` along the axis, `bucketSeconds`, `text`, and
 *   `layers`: `[kind, figures a second]`, the lowest first.
 */
export function stackedAreas({ width, seconds, bucketSeconds, layers, text }) {
  const height = 190;
  const inner = { width: width - LEFT - RIGHT, height: height - TOP - BOTTOM };
  const columns = Math.max(0, ...layers.map(([, values]) => values.length));
  const sums = new Array(columns).fill(0);
  const most = scaleTop(highest(layers, columns));
  const x = (time) => LEFT + (inner.width * Math.min(time, seconds)) / seconds;
  const y = (value) => TOP + inner.height * (1 - value / most);
  const picture = svg("svg", { width, height, role: "img", "aria-label": text });
  picture.append(...levels(most, y, width), ...times(seconds, x, height));
  for (const [kind, values] of layers) {
    let path = "";
    for (let column = 0; column < values.length; column += 1) {
      if (!values[column]) continue;
      const low = sums[column];
      sums[column] += values[column];
      const left = x(column * bucketSeconds);
      const right = x((column + 1) * bucketSeconds);
      path += `M${left.toFixed(1)} ${y(low).toFixed(1)}V${y(sums[column]).toFixed(1)}H${right.toFixed(1)}V${y(low).toFixed(1)}Z`;
    }
    if (path) picture.append(svg("path", { class: `fill-${kind}`, d: path }));
  }
  return picture;
}

function highest(layers, columns) {
  let most = 0;
  for (let column = 0; column < columns; column += 1) {
    most = Math.max(most, layers.reduce((sum, [, values]) => sum + (values[column] ?? 0), 0));
  }
  return most;
}

function scaleTop(value) {
  if (value <= 0) return 1;
  const size = 10 ** Math.floor(Math.log10(value));
  return [1, 1.5, 2, 3, 4, 5, 8, 10].map((step) => step * size).find((step) => step >= value);
}

function levels(most, y, width) {
  return [0, most / 2, most].map((value) =>
    svg("g", {},
      svg("line", { class: "rule", x1: LEFT, x2: width - RIGHT, y1: y(value), y2: y(value) }),
      svg("text", { class: "tick", x: LEFT - 6, y: y(value) + 4, "text-anchor": "end" }, short(value))),
  );
}

function times(seconds, x, height) {
  const anchors = ["start", "middle", "end"];
  return [0, seconds / 2, seconds].map((time, place) =>
    svg("text", { class: "tick", x: x(time), y: height - 6, "text-anchor": anchors[place] },
      time === 0 ? "start" : duration(time)),
  );
}

/** The bits of a lane's digit; the first state is drawn on top. */
export const STATES = [
  [8, "compensated", "Compensating"],
  [2, "retrying", "Retrying"],
  [1, "working", "Working"],
  [4, "waiting", "Waiting"],
];

/**
 * Lanes over time, a row for each shard.
 * @param {Object} chart `width` in pixels, `seconds` along the axis, `bucketSeconds`, `text`, and
 *   `lanes`: `{shard, cells}`.
 */
export function lanes({ width, seconds, bucketSeconds, lanes: rows, text }) {
  const row = rowHeight(rows.length);
  const height = TOP + rows.length * row + BOTTOM;
  const x = (time) => LEFT + ((width - LEFT - RIGHT) * Math.min(time, seconds)) / seconds;
  const picture = svg("svg", { width, height, role: "img", "aria-label": text });
  const every = Math.ceil(14 / row);
  const paths = Object.fromEntries(STATES.map(([bit]) => [bit, ""]));
  rows.forEach((lane, place) => {
    const top = TOP + place * row;
    if (place % every === 0) {
      picture.append(svg("text", { class: "tick", x: LEFT - 6, y: top + Math.max(row / 2 + 3, 7), "text-anchor": "end" }, lane.shard));
    }
    for (const [from, to, bits] of stretches(lane.cells)) {
      const kinds = STATES.filter(([bit]) => bits & bit);
      const share = (row - 2) / kinds.length;
      const left = x(from * bucketSeconds).toFixed(1);
      const right = x(to * bucketSeconds).toFixed(1);
      kinds.forEach(([bit], layer) => {
        const y = (top + layer * share).toFixed(1);
        paths[bit] += `M${left} ${y}H${right}v${share.toFixed(1)}H${left}Z`;
      });
    }
  });
  for (const [bit, kind] of STATES) {
    if (paths[bit]) picture.append(svg("path", { class: `fill-${kind}`, d: paths[bit] }));
  }
  picture.append(...times(seconds, x, height));
  return picture;
}

function rowHeight(rows) {
  const [, height] = [[4, 26], [16, 18], [32, 11], [Infinity, 8]].find(([most]) => rows <= most);
  return height;
}

/** Neighbouring cells of the same digit as `[first, end, bits]`; those without any are left out. */
export function stretches(cells) {
  const spans = [];
  let first = 0;
  for (let place = 1; place <= cells.length; place += 1) {
    if (place < cells.length && cells[place] === cells[first]) continue;
    const bits = Number.parseInt(cells[first], 16);
    if (bits) spans.push([first, place, bits]);
    first = place;
  }
  return spans;
}

/** The seconds that a lane is in a state. */
export function secondsIn(cells, bit, bucketSeconds) {
  let buckets = 0;
  for (const cell of cells) if (Number.parseInt(cell, 16) & bit) buckets += 1;
  return buckets * bucketSeconds;
}

