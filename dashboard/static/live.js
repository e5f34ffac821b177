/** Keep a page up to date, and announce changes to screen readers. */

import { say } from "./dom.js";

const MOST_SECONDS = 30;

/**
 * Call `refresh` again and again, while the page is visible.
 * @param {function(AbortSignal): Promise<number|null>} refresh Returns how many seconds to wait, or null to wait for `now`.
 * @returns {{now: function(): void, stop: function(): void}} `now` refreshes at once.
 */
export function poll(refresh) {
  const ending = new AbortController();
  let timer = null;
  let failures = 0;
  let isBusy = false;
  let isWanted = false;

  async function turn() {
    if (isBusy) {
      isWanted = true;
      return;
    }
    clearTimeout(timer);
    isBusy = true;
    const seconds = await attempt();
    isBusy = false;
    if (ending.signal.aborted) return;
    if (isWanted) {
      isWanted = false;
      turn();
    } else if (seconds !== null) {
      timer = setTimeout(() => (document.hidden ? undefined : turn()), seconds * 1000);
    }
  }

  async function attempt() {
    try {
      const seconds = await refresh(ending.signal);
      failures = 0;
      showConnection(null);
      return seconds;
    } catch (error) {
      if (ending.signal.aborted) return null;
      failures += 1;
      const seconds = Math.min(MOST_SECONDS, 2 ** failures);
      showConnection(`${error.message} Trying again in ${seconds} s.`);
      return seconds;
    }
  }

  const onSight = () => (document.hidden ? undefined : turn());
  document.addEventListener("visibilitychange", onSight);
  turn();
  return {
    now: turn,
    stop() {
      ending.abort();
      clearTimeout(timer);
      document.removeEventListener("visibilitychange", onSight);
      showConnection(null);
    },
  };
}

function showConnection(text) {
  const node = document.getElementById("connection");
  node.hidden = text === null;
  say(node, text ?? "");
}

/** Announce a text to screen readers. */
export function announce(text) {
  say(document.getElementById("announcer"), text);
}
