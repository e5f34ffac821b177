/** The health of the service: its dependencies, and the breaker and rate of each downstream. */

import { api } from "../api.js";
import { problemBox } from "../dialog.js";
import { facts, h, refill, table } from "../dom.js";
import { moment, rate } from "../format.js";
import { poll } from "../live.js";
import { breaker, card } from "../sections/progress.js";

const REFRESH_SECONDS = 5;
const HEADINGS = ["Downstream", "Breaker", "Rate of all runs", "Booked until"];

/** Show the page; returns a function that stops it. */
export function healthPage(main) {
  const whole = h("div");
  refill(main, h("h1", {}, "Health"), whole);
  const live = poll(async (signal) => {
    try {
      const health = await api.health({ signal });
      refill(whole, dependencies(health), circuits(health.circuits ?? {}));
    } catch (error) {
      if (error.status === undefined) throw error;
      refill(whole, problemBox(error));
    }
    return REFRESH_SECONDS;
  });
  return live.stop;
}

function dependencies({ status, dependencies: states }) {
  return card("service", "Service", facts([
    ["Fanout", sign(status)],
    ...Object.entries(states).map(([name, state]) => [name, sign(state)]),
  ]));
}

function sign(state) {
  return h("span", { class: `badge ${state === "up" ? "is-up" : "is-down"}` }, state);
}

function circuits(circuitsByName) {
  const rows = Object.entries(circuitsByName).map(([name, circuit]) => [
    name,
    breaker(circuit),
    circuit.items_per_second ? rate(circuit.items_per_second) : "no limit",
    moment(circuit.booked_until),
  ]);
  const body = rows.length ? table("Downstreams", HEADINGS, rows) : h("p", {}, "No workload calls a downstream.");
  return card("circuits", "Downstreams", body);
}
