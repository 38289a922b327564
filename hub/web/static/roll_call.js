// Keeps a tick on this phone until the hub has it. htmx sends them one after the other without leaving
// the page. Without both, each tick is a form of its own.
"use strict";

(() => {
  const form = document.getElementById("ticks");
  const unsent = document.getElementById("unsent");
  const RETRY_MS = 2000;
  const waiting = new Set(); // ticks that the hub has not confirmed yet

  function mark() {
    const ticks = Array.from(waiting);
    unsent.hidden = !ticks.some((one) => one.failed);
    for (const button of form.querySelectorAll("button.box")) {
      const going = ticks.some((one) => one.name === "present" && one.value === button.value);
      button.classList.toggle("going", going);
    }
  }

  // The next tick is sent when this one has ended, so they arrive in their order.
  async function keep(one, address, request) {
    for (;;) {
      let answer = null;
      try {
        answer = await fetch(address, request);
      } catch {
        answer = null;
      }
      if (answer !== null && answer.ok) {
        waiting.delete(one);
        mark();
        return answer;
      }
      if (answer !== null && answer.status < 500) {
        // Logged out (a redirect has status 0 here), or this roll call is over: the page says so.
        location.reload();
        return new Promise(() => {});
      }
      one.failed = true;
      mark();
      await new Promise((done) => setTimeout(done, RETRY_MS));
    }
  }

  form.addEventListener("htmx:config:request", (event) => {
    const { ctx } = event.detail;
    const { name, value } = ctx.request.submitter;
    const one = { name, value, failed: false };
    waiting.add(one);
    mark();
    ctx.fetch = (address, request) => keep(one, address, request);
  });

  // What is on its way keeps its sign when its company is brought up to date.
  document.addEventListener("htmx:after:swap", mark);

  // Nobody leaves with a tick in his pocket.
  addEventListener("beforeunload", (event) => {
    if (Array.from(waiting).some((one) => one.failed)) {
      event.preventDefault();
    }
  });
})();
