// Shows a page that a run rendered. This document is in a sandbox: it has no origin, no key and no
// network. What is parsed here never runs scripts, and the policy of this document allows none.
"use strict";

window.addEventListener("message", (event) => {
  if (event.source !== window.parent || typeof event.data !== "string") return;
  const page = new DOMParser().parseFromString(event.data, "text/html");
  document.replaceChild(document.adoptNode(page.documentElement), document.documentElement);
});
