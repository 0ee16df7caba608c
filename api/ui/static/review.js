// The review page in the browser alone: whether somebody is there, drafts that were sent, the finder's arrow keys.
(() => {
  "use strict";
  let told = 0;
  function tell(visible) {
    told = Date.now();
    if (typeof emitEvent === "function") emitEvent("review_seen", { visible });
  }
  function active() {
    if (Date.now() - told > 15000 && document.visibilityState === "visible") tell(true);
  }
  for (const type of ["keydown", "pointermove", "pointerdown", "scroll"]) addEventListener(type, active, { passive: true, capture: true });
  document.addEventListener("visibilitychange", () => tell(document.visibilityState === "visible"));
  // Leaving gives back what is held at once; should this get lost, the connection's end does, and at last the lease.
  addEventListener("pagehide", () => { if (typeof emitEvent === "function") emitEvent("review_left", {}); });
  addEventListener("pageshow", (event) => { if (event.persisted) tell(true); });

  // A key held down decides one item, not all that follow; only j and k repeat.
  document.addEventListener("keydown", (event) => {
    if (event.repeat && !"jk".includes(event.key) && !event.target.closest?.("input, textarea, select")) event.stopImmediatePropagation();
  }, true);

  // The finder: arrows move, Enter in the field takes the first.
  document.addEventListener("keydown", (event) => {
    const dialog = event.target.closest?.("#review-search");
    if (!dialog) return;
    const items = [...dialog.querySelectorAll(".finder-item")];
    const at = items.indexOf(document.activeElement);
    const to = { ArrowDown: at + 1, ArrowUp: at - 1 }[event.key];
    if (to !== undefined) {
      event.preventDefault();
      if (to < 0) dialog.querySelector("input").focus();
      else items[Math.min(to, items.length - 1)]?.focus();
    } else if (event.key === "Enter" && event.target.matches("input")) {
      event.preventDefault();
      items[0]?.click();
    }
  });

  // What was sent is forgotten, the correction and every label's choice.
  window.signalbox.forgetDrafts = (name) => {
    for (const key of Object.keys(sessionStorage)) {
      if (key.startsWith("signalbox-draft:" + name)) sessionStorage.removeItem(key);
    }
  };
})();
