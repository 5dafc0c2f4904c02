// What the pages do beyond HTML; everything works without it.
// "/" goes to the search box, Escape leaves it; times are shown in the reader's zone; pages follow what changes;
// search answers as one types; what cannot be undone asks first; a button copies the field beside it.
"use strict";

(() => {
  const localTimes = (root) => {
    for (const element of root.querySelectorAll("time[datetime]")) {
      const at = new Date(element.dateTime);
      if (Number.isNaN(at.getTime())) continue;
      const shape = element.dataset.shape === "time"
        ? { hour: "2-digit", minute: "2-digit" }
        : { year: "numeric", month: "short", day: "numeric", hour: "2-digit", minute: "2-digit" };
      element.title = element.dateTime;
      element.textContent = new Intl.DateTimeFormat(undefined, shape).format(at);
    }
  };

  // A calendar whose zone nobody has chosen is shown in the reader's own.
  const own = Intl.DateTimeFormat().resolvedOptions().timeZone;
  const shown = document.querySelector("[data-any-zone]");
  if (shown && own && shown.textContent !== own) {
    const there = new URL(location.href);
    there.searchParams.set("zone", own);
    location.replace(there);
  }

  const page = async (address, signal) => {
    const answer = await fetch(address, { headers: { accept: "text/html" }, signal });
    if (!answer.ok) throw new Error(String(answer.status));
    return new DOMParser().parseFromString(await answer.text(), "text/html");
  };

  // Puts a region of a fresh page in the place of the one shown; focus and selection elsewhere stay.
  const replace = (fresh, id) => {
    const now = document.getElementById(id);
    const next = fresh.getElementById(id);
    if (!now || !next) return;
    localTimes(next);
    if (now.innerHTML === next.innerHTML) return;
    // What is live no more is a thing of its own now, such as a recording that was fetched.
    if (now.matches("[data-live]") && !next.matches("[data-live]")) { now.replaceWith(document.adoptNode(next)); return; }
    const focused = now.contains(document.activeElement) ? pathTo(now, document.activeElement) : null;
    now.replaceChildren(...[...next.childNodes].map((node) => document.adoptNode(node)));
    if (focused) focused.reduce((at, index) => at?.children[index], now)?.focus({ preventScroll: true });
  };

  const pathTo = (root, element) => {
    const path = [];
    for (let at = element; at !== root; at = at.parentElement) path.unshift([...at.parentElement.children].indexOf(at));
    return path;
  };

  // Live pages: the server says that something changed, the page asks for itself again.
  const follow = () => {
    const regions = [...document.querySelectorAll("[data-live][id]")].map((element) => element.id);
    if (regions.length === 0 || !("EventSource" in window)) return;
    const state = document.getElementById("live-state");
    let under_way = false;
    let again = false;
    const refresh = async () => {
      if (under_way) { again = true; return; }
      under_way = true;
      try {
        const fresh = await page(location.href);
        if (!getSelection()?.toString()) {
          for (const id of regions) if (document.getElementById(id)?.matches("[data-live]")) replace(fresh, id);
          document.dispatchEvent(new Event("refreshed"));
        }
      } catch { /* the next change tries again */ }
      under_way = false;
      if (again) { again = false; setTimeout(refresh, 400); }
    };
    const source = new EventSource("/events/stream");
    let was_lost = false;
    source.addEventListener("change", refresh);
    source.addEventListener("hello", () => {
      if (state) state.textContent = "Live.";
      if (was_lost) refresh();
      was_lost = false;
    });
    source.addEventListener("error", () => {
      was_lost = true;
      if (state) state.textContent = "Not connected; this page may be out of date.";
    });
    addEventListener("pagehide", () => source.close());
  };

  // Search as one types: the same page, fetched, its results put here.
  const typing = (form) => {
    const field = form.querySelector("input[type=search]");
    const target = form.dataset.typing;
    let timer = 0;
    let request = null;
    field.addEventListener("input", () => {
      clearTimeout(timer);
      timer = setTimeout(async () => {
        request?.abort();
        request = new AbortController();
        const address = new URL(form.action);
        if (field.value.trim()) address.searchParams.set("q", field.value);
        try {
          const fresh = await page(address, request.signal);
          replace(fresh, target);
          document.title = fresh.title;
          history.replaceState(null, "", address);
        } catch { /* typing on, or the connection is gone */ }
      }, 160);
    });
  };

  document.addEventListener("keydown", (event) => {
    const target = event.target;
    const writing = target instanceof HTMLElement && target.matches("input, textarea, select, [contenteditable]");
    const field = document.querySelector("input[type=search]");
    if (event.key === "/" && !writing && !event.ctrlKey && !event.metaKey && !event.altKey && field) {
      event.preventDefault();
      field.focus();
      field.select();
    } else if (event.key === "Escape" && writing) {
      target.blur();
    }
  });

  // Copies a field's text; where the browser does not let scripts do it, the text is selected for the reader.
  document.addEventListener("click", async (event) => {
    const button = event.target instanceof Element ? event.target.closest("[data-copy]") : null;
    const field = button && document.getElementById(button.dataset.copy);
    if (!field) return;
    field.select();
    try {
      await navigator.clipboard.writeText(field.value);
      button.textContent = "Copied";
    } catch { /* selected is enough */ }
  });

  document.addEventListener("submit", (event) => {
    const question = event.submitter?.dataset.confirm;
    if (question && !confirm(question)) event.preventDefault();
  });

  localTimes(document);
  for (const form of document.querySelectorAll("form[data-typing]")) typing(form);
  follow();
})();
