// Says how old a live page is. htmx does the rest: it holds the stream, goes on from the last event,
// puts sections in place without disturbing their reader, and rests in a tab that nobody sees.
"use strict";

(() => {
  const live = document.getElementById("stale");
  const said = document.getElementById("said");
  const patience = Number(live.dataset.staleMs);
  const SLOWEST_MS = 30000;
  const NO_MORE = [401, 403, 404]; // logged out, or shut out: names stay on no such screen

  let page = document.getElementById("moment").dataset.page;
  let connection = null; // htmx's, once it has one
  let resting = false; // htmx saw that nobody looks
  let focused = null; // where its reader was before a section changed
  let silence = 0; // timer: nothing came for too long
  let pause = 1000; // until a first connection is tried again

  // Paper has no folds.
  addEventListener("beforeprint", () => {
    for (const details of document.querySelectorAll("details")) {
      details.open = true;
    }
  });

  // It is not installed (`sitegate doctor` says so), or this browser is too old for it.
  if (typeof htmx === "undefined") {
    setTimeout(() => location.reload(), 1000 * Number(live.dataset.againS));
    return;
  }

  function markStale() {
    const { time } = document.querySelector("#moment [data-time]").dataset;
    live.textContent = live.dataset.text.replace("{time}", time);
    live.hidden = false;
    document.body.classList.add("is-stale");
  }

  function markLive() {
    live.hidden = true;
    document.body.classList.remove("is-stale");
    pause = 1000;
    listen();
  }

  function listen() {
    clearTimeout(silence);
    silence = setTimeout(() => {
      markStale();
      giveBack(); // htmx connects again
      connect();
      listen();
    }, patience);
  }

  function giveBack() {
    if (connection !== null && connection.reader) {
      connection.reader.cancel();
    }
  }

  // Does nothing while htmx has a connection, or is about to have one again.
  function connect() {
    htmx.trigger(live, "again");
  }

  function failed(status) {
    markStale();
    if (NO_MORE.includes(status)) {
      location.reload();
    }
  }

  live.addEventListener("htmx:sse:before:connection", (event) => {
    if (connection !== event.detail.connection) {
      connection = event.detail.connection;
      resting = false;
    }
  });

  // Browsers allow six connections to one hub: a tab that nobody sees gives its own back. htmx does
  // so, except when the tab is hidden while it waits to connect again.
  live.addEventListener("htmx:sse:before:message", () => {
    if (resting) {
      giveBack();
    }
  });

  document.addEventListener("visibilitychange", () => {
    resting = document.hidden && connection !== null;
    if (document.hidden) {
      clearTimeout(silence);
    } else {
      listen();
    }
  });

  // Browsers without moveBefore forget the focus of what changes its place.
  live.addEventListener("htmx:before:swap", () => {
    focused = document.activeElement;
  });
  live.addEventListener("htmx:after:swap", () => {
    if (focused !== document.activeElement && focused.isConnected) {
      focused.focus({ preventScroll: true });
    }
  });

  live.addEventListener("htmx:sse:after:message", () => {
    if (!resting) {
      markLive();
    }
    // Screen readers hear one sentence when the counts change, not the whole board.
    const sentence = document.getElementById("headline").dataset.say || "";
    if (said.textContent !== sentence) {
      said.textContent = sentence;
    }
    const now = document.getElementById("moment").dataset.page;
    if (now !== page) {
      page = now;
      location.reload(); // another site or a newer Sitegate: the frame of the page changed too
    }
  });

  live.addEventListener("htmx:sse:error", (event) => failed(event.detail.status));

  // htmx keeps a connection alive that it once had. The first one is ours to try again.
  for (const name of ["htmx:error", "htmx:response:error", "htmx:sse:close"]) {
    live.addEventListener(name, (event) => {
      connection = null;
      const { ctx } = event.detail;
      failed(ctx && ctx.response && ctx.response.status);
      setTimeout(connect, pause);
      pause = Math.min(pause * 2, SLOWEST_MS);
    });
  }

  listen();
})();
