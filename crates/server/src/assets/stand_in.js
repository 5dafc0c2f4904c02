// A stand-in for Zoom's script, for a simulated Zoom on this machine: the same calls, answered by the simulator's pages.
// What Zoom's client would say of who opened the app lies behind the hash of the address.
"use strict";

(() => {
  const script = document.currentScript;
  const { zoom, client } = script.dataset;
  const listeners = { onAuthorized: [] };
  const hash = new URLSearchParams(location.hash.slice(1));
  const query = new URLSearchParams(location.search);
  const fresh = hash.get("context");
  const kept = () => {
    try { return sessionStorage.getItem("stand-in-context"); } catch { return null; }
  };
  if (fresh) {
    try { sessionStorage.setItem("stand-in-context", fresh); } catch { /* it is asked for again */ }
  }
  if (fresh || query.has("code") || query.has("error")) history.replaceState(null, "", "/zoomapp");

  window.zoomSdk = {
    config: async () => {
      if (!fresh && !kept()) throw new Error("The page is not open in Zoom's client.");
      return { clientVersion: "stand-in", runningContext: "inMeeting" };
    },
    getAppContext: async () => ({ context: fresh ?? kept() }),
    getRunningContext: async () => ({ context: "inMeeting" }),
    getUserContext: async () => ({ status: document.getElementById("panel").dataset.standing === "guest" ? "unauthenticated" : "authenticated" }),
    getMeetingContext: async () => ({ meetingID: document.getElementById("panel").dataset.number }),
    getMeetingUUID: async () => ({ meetingUUID: document.getElementById("panel").dataset.meeting }),
    promptAuthorize: async () => { location.assign(`${zoom}/zoomapp?client_id=${encodeURIComponent(client)}`); },
    // Zoom's client shows the consent over the page; here the page goes there and comes back.
    authorize: async ({ codeChallenge, state }) => {
      const wanted = new URLSearchParams({
        client_id: client, code_challenge: codeChallenge, state, redirect_uri: `${location.origin}/zoomapp`,
      });
      location.assign(`${zoom}/zoomapp/authorize?${wanted}`);
    },
    addEventListener: (name, listener) => {
      (listeners[name] ??= []).push(listener);
      if (name === "onAuthorized" && query.has("code")) {
        listener({ code: query.get("code"), state: query.get("state"), redirectUri: `${location.origin}/zoomapp` });
        query.delete("code");
      }
    },
  };
})();
