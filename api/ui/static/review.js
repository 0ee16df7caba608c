// The review page in the browser alone: whether somebody is there, what was typed or decided while no connection was,
// the finder's arrow keys.
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

  // The finder: arrows move.
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
    }
  });

  // The address says which item is looked at, so that it is there again when the page loads again.
  function address() {
    const body = document.querySelector(".review-body");
    const item = body?.querySelector(".review")?.dataset.item;
    const query = item ? "?id=" + encodeURIComponent(item) : body?.querySelector(".empty") ? "" : location.search;
    if (query !== location.search) history.replaceState(history.state, "", location.pathname + query);
  }

  // Typing goes on in its field when the item is drawn anew or the page loads again. Where the field is not there any
  // more, keys do nothing until one has stopped typing: words meant for a field must never decide an item.
  const TYPING = "signalbox-typing";
  const PAUSE_MS = 800;
  let field = null; // the one that is typed in
  let wanted = null; // where typing is to go on, once it is drawn
  let heldUntil = 0;
  function typing() {
    const { selectionStart: start, selectionEnd: end } = field;
    sessionStorage.setItem(TYPING, JSON.stringify({ draft: field.dataset.draft, start, end, at: Date.now() }));
  }
  function stopped() {
    field = wanted = null;
    heldUntil = 0;
    sessionStorage.removeItem(TYPING);
  }
  function goOn() {
    if (field && !field.isConnected) {
      wanted = { draft: field.dataset.draft, start: field.selectionStart, end: field.selectionEnd };
      field = null;
    }
    if (!wanted) return;
    const again = [...document.querySelectorAll("[data-draft]")].find((each) => each.dataset.draft === wanted.draft);
    if (again?.checkVisibility()) {
      const { start, end } = wanted;
      again.focus();
      if (start !== undefined && again.setSelectionRange) again.setSelectionRange(start, end);
    } else if (document.querySelector(".review-body")?.querySelector(".review, .empty, .notice")) {
      stopped();
      heldUntil = Date.now() + PAUSE_MS;
    }
  }
  document.addEventListener("focusin", ({ target }) => {
    if (!target.dataset?.draft) return;
    field = target;
    wanted = null;
    typing();
  });
  document.addEventListener("focusout", ({ target }) => {
    // A field that is taken away loses the focus too, and is gone a moment later.
    queueMicrotask(() => { if (target === field && target.isConnected && document.hasFocus()) stopped(); });
  });
  document.addEventListener("input", ({ target }) => { if (target === field) typing(); });
  document.addEventListener("keydown", (event) => {
    const meant = event.key.length === 1 && !event.ctrlKey && !event.metaKey && !event.altKey;
    if (!meant || !(wanted || Date.now() < heldUntil) || event.target.closest?.("input, textarea, select")) return;
    if (!wanted) heldUntil = Date.now() + PAUSE_MS;
    event.preventDefault();
    event.stopImmediatePropagation();
  }, true);
  try {
    const kept = JSON.parse(sessionStorage.getItem(TYPING));
    if (kept && Date.now() - kept.at < 120000) wanted = kept;
  } catch { /* it was not ours */ }

  // A decision is kept until the service has it. A page that loads again, as after a long loss, sends it once more.
  const DECISION = "signalbox-decision:";
  let resent = false;
  window.signalbox.decided = (verdict) => {
    const item = document.querySelector(".review");
    const typed = {};
    for (const each of document.querySelectorAll(".review-panel [data-field]")) typed[each.dataset.field] = each.value;
    item.dataset.sent = verdict;
    stopped();
    const by = document.querySelector(".review-place").dataset.reviewer;
    sessionStorage.setItem(DECISION + item.dataset.item, JSON.stringify({ verdict, typed, by, at: Date.now() }));
    return typed;
  };
  window.signalbox.forgetDecision = (item) => sessionStorage.removeItem(DECISION + item);
  function resend() {
    if (resent || !document.querySelector(".review-body")?.querySelector(".review, .empty")) return;
    resent = true;
    for (const key of Object.keys(sessionStorage).filter((each) => each.startsWith(DECISION))) {
      const kept = JSON.parse(sessionStorage.getItem(key));
      if (Date.now() - kept.at < 600000) emitEvent("review_decided", { ...kept, item: key.slice(DECISION.length) });
      else sessionStorage.removeItem(key);
    }
  }
  new MutationObserver(() => { address(); goOn(); resend(); }).observe(document, { childList: true, subtree: true });

  // What was sent is forgotten, the correction and every label's choice.
  window.signalbox.forgetDrafts = (name) => {
    for (const key of Object.keys(sessionStorage)) {
      if (key.startsWith("signalbox-draft:" + name)) sessionStorage.removeItem(key);
    }
  };
})();
