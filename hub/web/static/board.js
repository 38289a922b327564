// Keeps the board up to date. Without this file the page refreshes itself every 30 seconds.
"use strict";

(() => {
  const body = document.body;
  const stale = document.getElementById("stale");
  const said = document.getElementById("said");
  const patience = Number(body.dataset.staleMs);
  const SLOWEST_MS = 30000;

  let source = null;
  let state = body.dataset.state; // what this page shows: the id of the last event
  let page = document.getElementById("moment").dataset.page;
  let silence = 0; // timer: nothing came for too long
  let retry = 0; // timer: connect again
  let pause = 1000;

  function shownTime() {
    return document.querySelector("#moment [data-time]").dataset.time;
  }

  function markStale() {
    stale.textContent = stale.dataset.text.replace("{time}", shownTime());
    stale.hidden = false;
    body.classList.add("is-stale");
  }

  function markLive() {
    stale.hidden = true;
    body.classList.remove("is-stale");
    clearTimeout(silence);
    silence = setTimeout(() => {
      markStale();
      connect();
    }, patience);
  }

  // A replaced section keeps what its reader did with it: folded companies and the focus.
  function replace(fresh) {
    const old = document.getElementById(fresh.id);
    if (old === null) {
      return;
    }
    for (const details of fresh.querySelectorAll("details[id]")) {
      const before = document.getElementById(details.id);
      if (before !== null) {
        details.open = before.open;
      }
    }
    const focused = old.contains(document.activeElement) ? document.activeElement : null;
    const holder = focused && focused.closest("[id]");
    old.replaceWith(fresh);
    if (holder) {
      const again = document.getElementById(holder.id);
      const target = again && (again.querySelector(focused.tagName) || again);
      if (target) {
        target.focus({ preventScroll: true });
      }
    }
  }

  // Screen readers hear one sentence when the counts change, not the whole board.
  function say() {
    const sentence = document.getElementById("headline").dataset.say || "";
    if (said.textContent !== sentence) {
      said.textContent = sentence;
    }
  }

  function show(event) {
    state = event.lastEventId;
    pause = 1000;
    const parsed = new DOMParser().parseFromString(event.data, "text/html");
    for (const fresh of Array.from(parsed.body.children)) {
      replace(document.adoptNode(fresh));
    }
    markLive();
    say();
    const now = document.getElementById("moment").dataset.page;
    if (now !== page) {
      page = now;
      location.reload(); // another site or a newer Sitegate: the frame of the page changed too
    }
  }

  // Names stay on no screen whose session is over: its page now leads to the login.
  function leaveIfLoggedOut() {
    fetch(location.href, { method: "HEAD", redirect: "manual" }).then((answer) => {
      if (answer.type === "opaqueredirect") {
        location.reload();
      }
    }, () => {});
  }

  function disconnect() {
    clearTimeout(retry);
    if (source !== null) {
      source.close();
      source = null;
    }
  }

  function connect() {
    disconnect();
    const mine = new EventSource(`${body.dataset.live}&since=${encodeURIComponent(state)}`);
    source = mine;
    mine.addEventListener("board", show);
    mine.addEventListener("error", () => {
      markStale();
      // The browser reconnects by itself unless the server answered with an error.
      if (mine === source && mine.readyState === EventSource.CLOSED) {
        clearTimeout(retry);
        retry = setTimeout(connect, pause);
        leaveIfLoggedOut();
        pause = Math.min(pause * 2, SLOWEST_MS);
      }
    });
  }

  // Browsers allow six connections to one hub: a tab that nobody sees gives its own back.
  document.addEventListener("visibilitychange", () => {
    if (document.hidden) {
      clearTimeout(silence);
      disconnect();
    } else {
      connect();
    }
  });

  // Paper has no folds.
  addEventListener("beforeprint", () => {
    for (const details of document.querySelectorAll("details")) {
      details.open = true;
    }
  });

  connect();
})();
