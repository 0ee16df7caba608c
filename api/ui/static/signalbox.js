// What pages do in the browser alone: theme, drafts, keys, dialogs, the banner. No page's logic is here.
(() => {
  "use strict";
  const root = document.documentElement;

  // Theme: the system's until somebody chooses.
  const system = matchMedia("(prefers-color-scheme: dark)");
  system.addEventListener("change", () => {
    if (!localStorage.getItem("signalbox-theme")) root.dataset.theme = system.matches ? "dark" : "light";
  });
  function switchTheme() {
    root.dataset.theme = root.dataset.theme === "dark" ? "light" : "dark";
    if ((root.dataset.theme === "dark") === system.matches) localStorage.removeItem("signalbox-theme");
    else localStorage.setItem("signalbox-theme", root.dataset.theme);
  }

  // Drafts: what was typed into [data-draft] is there again after the page was loaded again.
  const key = (field) => "signalbox-draft:" + field.dataset.draft;
  document.addEventListener("input", (event) => {
    const field = event.target;
    if (field.dataset?.draft) sessionStorage.setItem(key(field), field.type === "checkbox" ? String(field.checked) : field.value);
    if (field.matches?.("textarea[data-grow]")) grow(field);
  });
  function grow(field) {
    field.style.height = "auto";
    field.style.height = Math.min(field.scrollHeight + 2, innerHeight * 0.4) + "px";
  }
  function setValue(field, value) {
    if (field.type === "checkbox") field.checked = value === true || value === "true";
    else field.value = value;
    field.dispatchEvent(new Event("input", { bubbles: true }));
    field.dispatchEvent(new Event("change", { bubbles: true }));
  }
  function restore(field) {
    field.dataset.restored = "";
    const begin = field.dataset.begin;
    if (begin) history.replaceState(history.state, "", location.pathname); // or a reload would undo what is typed then
    const kept = begin || sessionStorage.getItem(key(field));
    if (kept !== null && field.type !== "checkbox" && field.value === "" ) setValue(field, kept);
    else if (kept !== null && field.type === "checkbox" && kept === "true") setValue(field, true);
    else if (kept !== null && field.tagName === "SELECT") setValue(field, kept);
    // What is set must be seen: a panel that holds something of it is open.
    const panel = field.closest("[hidden]");
    if (panel && kept && kept !== "false" && kept !== field.options?.[0].value) {
      panel.hidden = false;
      document.querySelector(`[data-toggles="${panel.id}"]`)?.setAttribute("aria-expanded", "true");
    }
  }
  new MutationObserver(() => {
    for (const field of document.querySelectorAll("[data-draft]:not([data-restored])")) restore(field);
    for (const list of document.querySelectorAll("[data-asked]")) listAsked(list);
    for (const field of document.querySelectorAll("[data-autofocus]")) {
      field.removeAttribute("data-autofocus");
      if (matchMedia("(hover: hover)").matches) field.focus();
    }
  }).observe(root, { childList: true, subtree: true });

  // Dialogs are the browser's own: they keep the focus inside and close with Escape.
  document.addEventListener("click", (event) => {
    const opener = event.target.closest?.("[data-opens]");
    if (opener) document.getElementById(opener.dataset.opens)?.showModal();
    if (event.target.closest?.("[data-closes]")) event.target.closest("dialog")?.close();
    if (event.target.matches?.("dialog")) event.target.close();
    if (event.target.closest?.("[data-switch-theme]")) switchTheme();
    const toggler = event.target.closest?.("[data-toggles]");
    if (toggler) {
      const panel = document.getElementById(toggler.dataset.toggles);
      panel.hidden = !panel.hidden;
      toggler.setAttribute("aria-expanded", String(!panel.hidden));
    }
    const example = event.target.closest?.("[data-example]");
    if (example) {
      const field = document.getElementById("question");
      setValue(field, example.dataset.example);
      field.form.requestSubmit();
    }
    for (const open of document.querySelectorAll("details.choice[open]")) {
      if (!open.contains(event.target)) open.open = false;
    }
    const copy = event.target.closest?.("[data-copy]");
    if (copy) navigator.clipboard?.writeText(copy.dataset.copy === "url" ? location.href : copy.dataset.copy);
    const from = event.target.closest?.("[data-copy-from]");
    if (from) navigator.clipboard?.writeText(document.getElementById(from.dataset.copyFrom).textContent);
    if (event.target.closest?.("[data-leave]")) {
      localStorage.removeItem("signalbox-asked");
      fetch("/session", { method: "DELETE" }).finally(() => location.assign("/sign-in"));
    }
  });

  // Explanations on hover and focus. They stand above everything, so that no scrolling box cuts them off.
  let tip = null;
  function explain(event) {
    const item = event.target.closest?.("[data-tip]");
    if (item && tip?.of === item) return;
    tip?.box.remove();
    tip = null;
    if (!item || (event.type === "focusin" && !item.matches(":focus-visible") && matchMedia("(hover: hover)").matches)) return;
    const box = document.createElement("div");
    box.className = "tip";
    box.ariaHidden = "true"; // a screen reader has it with the item's name
    box.textContent = item.dataset.tip;
    (item.closest("dialog") ?? document.body).append(box);
    const at = item.getBoundingClientRect();
    const below = at.bottom + 6 + box.offsetHeight < innerHeight;
    box.style.left = Math.max(8, Math.min(at.left, innerWidth - box.offsetWidth - 8)) + "px";
    box.style.top = (below ? at.bottom + 6 : at.top - 6 - box.offsetHeight) + "px";
    tip = { box, of: item };
  }
  for (const kind of ["pointerover", "focusin"]) document.addEventListener(kind, explain);
  for (const kind of ["focusout", "scroll"]) {
    document.addEventListener(kind, () => { tip?.box.remove(); tip = null; }, true);
  }

  // Keys: a page gives [data-key="x"] to what the key presses or focuses; none works while typing.
  const typing = (target) => target.closest?.("input:not([type=checkbox]), textarea, select, [contenteditable]");
  document.addEventListener("keydown", (event) => {
    if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.key === "Escape" && typing(event.target)) event.target.blur();
    const choice = event.key === "Escape" && document.querySelector("details.choice[open]");
    if (choice) {
      choice.open = false;
      choice.querySelector("summary").focus();
    }
    // No question begins with its mark: in an empty one, it asks for the keys.
    const begun = event.key !== "?" || event.target.value || !event.target.matches?.("[data-enter-sends]");
    if ((begun && typing(event.target)) || document.querySelector("dialog[open]")) return;
    if (event.key === "?") {
      event.preventDefault();
      document.getElementById("keyboard-help")?.showModal();
      return;
    }
    const wanted = [...document.querySelectorAll("[data-key]")].find(
      (item) => item.dataset.key === event.key && (item.matches("a.hidden") || item.checkVisibility()) && !item.disabled,
    );
    if (!wanted) return;
    event.preventDefault();
    if (wanted.matches("input, textarea, select")) {
      wanted.focus();
      wanted.select?.(); // what is typed next replaces it
    } else wanted.click();
  });

  // The banner of the framework, in our words.
  const TRYING = "Trying again; nothing you typed is lost.";
  document.addEventListener("DOMContentLoaded", () => {
    const popup = document.getElementById("popup");
    if (!popup) return;
    popup.setAttribute("role", "status");
    popup.children[0].textContent = "Connection lost.";
    popup.children[1].textContent = TRYING;
    // The framework notices a silent network late; the browser knows at once.
    addEventListener("offline", () => { popup.ariaHidden = "false"; });
    addEventListener("online", () => { if (window.socket?.connected) popup.ariaHidden = "true"; });
  });

  // What is sent while the connection is away is sent when it is back, even if the page had to be loaded again.
  document.addEventListener("submit", (event) => {
    if (!event.target.matches("[data-waits]") || !window.socket || window.socket.connected) return;
    event.preventDefault();
    event.stopImmediatePropagation();
    sessionStorage.setItem("signalbox-waits", event.target.id);
    document.getElementById("popup").children[1].textContent = "Your question is asked once it is back.";
  }, true);
  setInterval(() => {
    const form = document.getElementById(sessionStorage.getItem("signalbox-waits") ?? "");
    if (!form || !window.socket?.connected) return;
    sessionStorage.removeItem("signalbox-waits");
    document.getElementById("popup").children[1].textContent = TRYING;
    form.requestSubmit();
  }, 500);

  // Times: "3 min ago" grows older while one looks at it.
  const steps = [[60, 1, "s"], [3600, 60, "min"], [86400, 3600, "h"], [2592000, 86400, "d"]];
  function ago(moment) {
    const seconds = Math.max(0, (Date.now() - moment) / 1000);
    if (seconds < 5) return "now";
    const step = steps.find(([limit]) => seconds < limit);
    if (step) return Math.floor(seconds / step[1]) + " " + step[2] + " ago";
    return new Date(moment).toISOString().slice(0, 10);
  }
  setInterval(() => {
    for (const item of document.querySelectorAll("time[datetime][data-ago]")) {
      const now = ago(Date.parse(item.dateTime));
      if (item.textContent !== now) item.textContent = now;
    }
  }, 10000);

  // What runs says for how long it has.
  setInterval(() => {
    for (const item of document.querySelectorAll("[data-running]")) {
      item.dataset.running ||= String(performance.now());
      const seconds = (performance.now() - item.dataset.running) / 1000;
      if (seconds >= 1) item.textContent = seconds.toFixed(1) + " s" + (seconds >= 2 ? item.dataset.most : "");
    }
  }, 100);

  // Back and forward lead through the answers that were shown on one page.
  addEventListener("popstate", (event) => { if (event.state?.asked) location.reload(); });
  let sent = null;
  document.addEventListener("submit", (event) => { sent = event.target.elements?.question?.value ?? sent; }, true);
  function visit(path, words) {
    if (document.getElementById("question")?.value === sent) sessionStorage.removeItem("signalbox-draft:question");
    history.replaceState({ asked: true }, "");
    history.pushState({ asked: true }, "", path);
    document.title = words + " · Signalbox";
    const before = asked().filter((each) => each.words !== words);
    localStorage.setItem("signalbox-asked", JSON.stringify([{ path, words, at: Date.now() }, ...before].slice(0, 5)));
  }

  // What was asked is kept in the browser alone, until one signs out.
  function asked() {
    try {
      return JSON.parse(localStorage.getItem("signalbox-asked") ?? "[]").filter((each) => each.path.startsWith("/ui/?p="));
    } catch {
      return [];
    }
  }
  function listAsked(list) {
    list.removeAttribute("data-asked");
    list.closest("section").hidden = !asked().length;
    for (const { path, words, at } of asked()) {
      const link = Object.assign(document.createElement("a"), { href: path, textContent: words, dir: "auto", className: "link" });
      const time = Object.assign(document.createElement("time"), { dateTime: new Date(at).toISOString(), textContent: ago(at) });
      Object.assign(time, { className: "muted small", title: new Date(at).toLocaleString() }).dataset.ago = "";
      const item = document.createElement("li");
      item.append(link, time);
      list.append(item);
    }
  }

  // Forms: Enter sends from a [data-enter-sends] field, Shift+Enter makes a line. Values go to the server by name.
  document.addEventListener("keydown", (event) => {
    if (event.key !== "Enter" || event.shiftKey || event.isComposing || !event.target.matches?.("[data-enter-sends]")) return;
    event.preventDefault();
    event.target.form.requestSubmit();
  });
  // The focus goes to what comes, so that its keys work, and back to a field where nothing came.
  function focusOn(id) {
    const item = document.getElementById(id);
    if (!item?.matches("input, textarea") || matchMedia("(hover: hover)").matches) item?.focus({ preventScroll: true });
  }
  function values(form) {
    const found = {};
    for (const field of form.elements) {
      if (field.name) found[field.name] = field.type === "checkbox" ? field.checked : field.value;
    }
    return found;
  }

  window.signalbox = { values, ago, setValue, grow, focusOn, visit, clearDraft: (name) => sessionStorage.removeItem("signalbox-draft:" + name) };
})();
