// The player of a meeting: the line that is being said is marked and kept in sight, a line's time leads to its place, keys
// work where the player or the transcript has the focus. Without a recording, or without script, the transcript stands alone.
"use strict";

(() => {
  const start = (player) => {
    const screen = player.querySelector("[data-screen]");
    const script = player.querySelector("[data-script]");
    const view = player.querySelector("[data-view]");
    const follow = player.querySelector("[data-follow]");
    const trouble = player.querySelector("[data-trouble]");
    const chapters = [...player.querySelectorAll("[data-chapter]")];
    // Its page asks for itself again when something changes; what plays is left alone.
    player.removeAttribute("data-live");

    // The lines of each stretch with their beginnings in it, in seconds.
    const lines = new Map();
    for (const list of player.querySelectorAll("ol.talk[data-stretch]")) {
      const offset = Number(list.dataset.offset);
      const of = lines.get(list.dataset.stretch) ?? [];
      for (const line of list.children) of.push({ line, at: (Number(line.dataset.ms) + offset) / 1000 });
      lines.set(list.dataset.stretch, of.sort((a, b) => a.at - b.at));
    }
    const here = () => lines.get(screen.dataset.stretch) ?? [];
    const place = (line) => {
      for (const [stretch, of] of lines) {
        const found = of.find((one) => one.line === line);
        if (found) return { stretch, at: found.at, line };
      }
      return null;
    };
    const began = chapters.map((link) => {
      const line = document.getElementById(link.hash.slice(1));
      return line && { link, ...place(line) };
    }).filter((one) => one?.stretch !== undefined);

    // The last one of a sorted list that has begun.
    const last = (list, now) => {
      let [low, high] = [0, list.length];
      while (low < high) {
        const middle = (low + high) >> 1;
        if (list[middle].at <= now + 0.05) low = middle + 1; else high = middle;
      }
      return low - 1;
    };

    let shown = null;
    let chapter = null;
    // The line that was gone to: where people talk at once, it is the one that is meant.
    let meant = null;
    const mark = () => {
      const of = here();
      if (meant && Math.abs(screen.currentTime - meant.at) > 0.3) meant = null;
      const line = meant?.line ?? of[last(of, screen.currentTime)]?.line ?? null;
      if (line !== shown) {
        shown?.removeAttribute("aria-current");
        line?.setAttribute("aria-current", "true");
        shown = line;
        if (line && follow.checked && script && !script.contains(document.activeElement?.closest("a.at") ?? null)) keep(line);
      }
      const now = began.filter((one) => one.stretch === screen.dataset.stretch && one.at <= screen.currentTime + 0.05).at(-1)?.link ?? null;
      if (now !== chapter) {
        chapter?.removeAttribute("aria-current");
        now?.setAttribute("aria-current", "true");
        chapter = now;
      }
    };
    // Moves the transcript and never the page.
    const keep = (line) => {
      const top = line.offsetTop - script.offsetTop;
      if (top < script.scrollTop + 40 || top > script.scrollTop + script.clientHeight * 0.7) {
        const still = matchMedia("(prefers-reduced-motion: reduce)").matches;
        script.scrollTo({ top: top - script.clientHeight * 0.3, behavior: still ? "auto" : "smooth" });
      }
    };

    const show = (option, at) => {
      const plays = !screen.paused;
      screen.dataset.stretch = option.dataset.stretch;
      screen.dataset.medium = option.dataset.medium;
      screen.querySelector("track")?.remove();
      screen.src = option.value;
      player.querySelector("[data-take]").href = option.value;
      trouble.hidden = true;
      screen.addEventListener("loadedmetadata", () => {
        screen.currentTime = at;
        if (plays) screen.play().catch(() => {});
      }, { once: true });
    };
    const go = ({ stretch, at, line }) => {
      meant = { line, at };
      if (stretch === screen.dataset.stretch) { screen.currentTime = at; mark(); return; }
      const option = [...(view?.options ?? [])].find((one) => one.dataset.stretch === stretch);
      if (!option) return;
      view.value = option.value;
      show(option, at);
    };
    const toggle = () => { if (screen.paused) screen.play().catch(() => {}); else screen.pause(); };
    const step = (by) => {
      const of = here();
      const at = meant ? of.findIndex((one) => one.line === meant.line) : last(of, screen.currentTime);
      const to = of[Math.min(Math.max(at + by, 0), of.length - 1)];
      if (to) { go({ stretch: screen.dataset.stretch, ...to }); keep(to.line); }
    };

    screen.addEventListener("timeupdate", mark);
    screen.addEventListener("seeked", mark);
    screen.addEventListener("loadedmetadata", () => {
      // Sound alone needs no black picture.
      player.classList.toggle("sound", screen.videoWidth === 0);
    });
    screen.addEventListener("error", () => { trouble.hidden = false; });
    if (screen.error) trouble.hidden = false;
    if (screen.readyState > 0) player.classList.toggle("sound", screen.videoWidth === 0);
    view?.addEventListener("change", () => {
      const option = view.selectedOptions[0];
      show(option, option.dataset.stretch === screen.dataset.stretch ? screen.currentTime : 0);
    });
    // Any link of the page to a line: its own time, a chapter, a statement of the summary.
    document.addEventListener("click", (event) => {
      const link = event.target instanceof Element ? event.target.closest('a[href^="#c-"]') : null;
      const line = link && document.getElementById(link.hash.slice(1));
      const found = line && place(line);
      if (!found || event.ctrlKey || event.metaKey || event.shiftKey) return;
      go(found);
      if (!player.contains(link)) return;
      // Following the link would take the focus, and with it the keys, off the player.
      event.preventDefault();
      history.replaceState(null, "", link.hash);
      if (!line.contains(link)) keep(line);
    });
    player.addEventListener("keydown", (event) => {
      if (event.ctrlKey || event.metaKey || event.altKey || event.target.closest("select, input")) return;
      const act = { k: toggle, j: () => { screen.currentTime -= 10; }, l: () => { screen.currentTime += 10; },
        n: () => step(1), p: () => step(-1) }[event.key];
      if (!act) return;
      event.preventDefault();
      act();
    });
    // Whoever comes from a hit of the search begins there.
    const target = location.hash.startsWith("#c-") ? document.getElementById(location.hash.slice(1)) : null;
    const found = target && place(target);
    if (found && found.stretch === screen.dataset.stretch) {
      if (screen.readyState > 0) go(found);
      else screen.addEventListener("loadedmetadata", () => go(found), { once: true });
    }
    mark();
  };

  const look = () => {
    const player = document.querySelector("[data-player]:not([data-started])");
    if (!player) return;
    player.setAttribute("data-started", "");
    start(player);
  };
  look();
  // What was fetched meanwhile comes with the page's next look at itself.
  document.addEventListener("refreshed", look);
})();
