// The panel inside Zoom's client: who opened it, signing in, what is new, notes, settings, a follow-up.
// Zoom's own script, or the stand-in for it, gives `zoomSdk`; tokens never come here.
"use strict";

(() => {
  const CAPABILITIES = ["authorize", "onAuthorized", "promptAuthorize", "getMeetingContext", "getMeetingUUID",
    "getUserContext", "getRunningContext", "getAppContext", "onMyUserContextChange"];
  const sdk = window.zoomSdk;
  const region = () => document.getElementById("panel");
  const say = (id, text) => {
    const place = document.getElementById(id);
    if (place) place.textContent = text;
  };

  const localTimes = (root) => {
    for (const element of root.querySelectorAll("time[datetime]")) {
      const at = new Date(element.dateTime);
      if (Number.isNaN(at.getTime())) continue;
      const shape = element.dataset.shape === "time"
        ? { hour: "2-digit", minute: "2-digit" }
        : { month: "short", day: "numeric", hour: "2-digit", minute: "2-digit" };
      element.title = element.dateTime;
      element.textContent = new Intl.DateTimeFormat(undefined, shape).format(at);
    }
  };

  const call = async (method, address, body) => {
    const answer = await fetch(address, {
      method,
      headers: body === undefined ? {} : { "content-type": "application/json" },
      body: body === undefined ? undefined : JSON.stringify(body),
    });
    const told = answer.status === 204 ? null : await answer.json().catch(() => null);
    if (!answer.ok) {
      const error = new Error(told?.message ?? `That did not work (${answer.status}).`);
      error.word = told?.error;
      throw error;
    }
    return told;
  };

  // The page again, and what of it is shown; what somebody is writing stays.
  const refresh = async () => {
    const answer = await fetch("/zoomapp", { headers: { accept: "text/html" } });
    if (!answer.ok) throw new Error(String(answer.status));
    const fresh = new DOMParser().parseFromString(await answer.text(), "text/html");
    const [now, next] = [region(), fresh.getElementById("panel")];
    const same = now && next && now.dataset.standing === next.dataset.standing && now.dataset.meeting === next.dataset.meeting;
    if (!same) {
      location.replace("/zoomapp");
      return;
    }
    localTimes(next);
    if (now.innerHTML !== next.innerHTML) {
      now.replaceChildren(...[...next.childNodes].map((node) => document.adoptNode(node)));
    }
  };

  const follow = () => {
    if (!["authorized", "authenticated"].includes(region().dataset.standing)) return;
    const source = new EventSource("/api/zoomapp/events");
    let lost = false;
    const again = () => refresh().catch(() => {});
    source.addEventListener("change", again);
    source.addEventListener("over", () => { source.close(); location.replace("/zoomapp"); });
    source.addEventListener("hello", () => {
      say("live-state", "Live.");
      if (lost) again();
      lost = false;
    });
    source.addEventListener("error", () => {
      lost = true;
      say("live-state", "Not connected.");
    });
    addEventListener("pagehide", () => source.close());
  };

  const complain = (text) => {
    let notice = document.getElementById("complaint");
    if (!notice) {
      notice = document.createElement("div");
      notice.id = "complaint";
      notice.className = "notice bad";
      notice.setAttribute("role", "alert");
      document.getElementById("main").prepend(notice);
    }
    notice.textContent = text;
  };

  const authorize = async () => {
    const context = await sdk.getUserContext().catch(() => null);
    if (context?.status === "unauthenticated") {
      await sdk.promptAuthorize();
      return;
    }
    const { codeChallenge, state } = await call("GET", "/api/zoomapp/authorize");
    await sdk.authorize({ codeChallenge, state });
  };

  const authorized = async ({ code, state, redirectUri }) => {
    try {
      const href = redirectUri ?? location.href.split("#")[0];
      await call("POST", "/api/zoomapp/onauthorized", { code, state, href });
      location.replace("/zoomapp");
    } catch (error) {
      complain(error.message);
    }
  };

  const notes = () => {
    const field = document.getElementById("note");
    if (!field) return;
    const meeting = region().dataset.meeting;
    let timer = 0;
    let saved = field.value;
    const save = async () => {
      clearTimeout(timer);
      const text = field.value;
      if (text === saved) return;
      try {
        await call("PUT", "/api/zoomapp/note", { text, meeting });
        saved = text;
        say("note-state", "Kept.");
      } catch (error) {
        say("note-state", error.message);
      }
    };
    field.addEventListener("input", () => {
      say("note-state", "…");
      clearTimeout(timer);
      timer = setTimeout(save, 700);
    });
    field.addEventListener("blur", save);
  };

  const settings = async () => {
    const form = document.getElementById("settings-form");
    if (!form) return;
    const address = `/zoom/api/v2/meetings/${region().dataset.number}`;
    const boxes = [...form.querySelectorAll("input[type=checkbox]")];
    try {
      const meeting = await call("GET", address);
      for (const box of boxes) {
        box.checked = meeting.settings?.[box.name] === true;
        box.disabled = false;
      }
    } catch (error) {
      say("settings-state", error.message);
      return;
    }
    form.addEventListener("change", async (event) => {
      const box = event.target;
      box.disabled = true;
      try {
        await call("PATCH", address, { settings: { [box.name]: box.checked } });
        say("settings-state", "Changed.");
      } catch (error) {
        box.checked = !box.checked;
        say("settings-state", error.message);
      }
      box.disabled = false;
      box.focus({ preventScroll: true });
    });
  };

  const followUp = () => {
    const form = document.getElementById("follow-up");
    if (!form) return;
    const start = form.elements.start;
    const week = new Date(Date.now() + 7 * 86_400_000);
    week.setMinutes(0, 0, 0);
    const local = new Date(week.getTime() - week.getTimezoneOffset() * 60_000);
    start.value = local.toISOString().slice(0, 16);
    form.addEventListener("submit", async (event) => {
      event.preventDefault();
      const zone = Intl.DateTimeFormat().resolvedOptions().timeZone;
      const body = {
        topic: form.elements.topic.value,
        type: 2,
        start_time: `${start.value}:00`,
        timezone: zone,
        duration: Number(form.elements.duration.value),
      };
      const button = form.querySelector("button");
      button.disabled = true;
      try {
        const made = await call("POST", "/zoom/api/v2/users/me/meetings", body);
        say("follow-up-state", `Scheduled: ${made.topic}.`);
      } catch (error) {
        say("follow-up-state", error.message);
      }
      button.disabled = false;
    });
  };

  document.addEventListener("click", async (event) => {
    const button = event.target instanceof Element ? event.target.closest("[data-do]") : null;
    if (!button) return;
    try {
      if (button.dataset.do === "authorize") await authorize();
      if (button.dataset.do === "sign-out") {
        await call("POST", "/api/zoomapp/signout");
        location.replace("/zoomapp");
      }
    } catch (error) {
      complain(error.message);
    }
  });

  // Which context this page has handed over already; it opens the session once and is good for nothing else.
  const remembered = () => {
    try { return sessionStorage.getItem("parfocal-context"); } catch { return null; }
  };
  const remember = (context) => {
    try { sessionStorage.setItem("parfocal-context", context); } catch { /* it is handed over again */ }
  };

  // Inside the client without the header: who opened it is asked of the client.
  const introduce = async () => {
    if (!sdk) return;
    try {
      await sdk.config({ capabilities: CAPABILITIES, version: "0.16" });
    } catch {
      return;
    }
    sdk.addEventListener("onAuthorized", authorized);
    const context = await sdk.getAppContext().then((told) => told?.context ?? told).catch(() => null);
    if (!context) return;
    if (remembered() !== context) {
      try {
        const session = await call("POST", "/api/zoomapp/context", { context });
        remember(context);
        if (session.status !== "guest") {
          location.replace("/zoomapp");
          return;
        }
      } catch (error) {
        complain(error.message);
        return;
      }
    }
    if (region().dataset.standing === "guest") {
      for (const element of document.querySelectorAll("[data-outside]")) element.hidden = true;
      for (const element of document.querySelectorAll("[data-guest], [data-do=authorize]")) element.hidden = false;
    }
  };

  localTimes(document);
  notes();
  followUp();
  settings();
  follow();
  introduce();
})();
