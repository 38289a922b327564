// Sends ticks without leaving the page. Without this file each tick is a form of its own.
"use strict";

(() => {
  const form = document.getElementById("ticks");
  const unsent = document.getElementById("unsent");
  const RETRY_MS = 2000;
  const waiting = []; // ticks that this phone could not hand over yet, in their order
  let sending = false;

  function mark() {
    unsent.hidden = waiting.length === 0 || !waiting[0].failed;
    for (const button of form.querySelectorAll("button.box")) {
      const going = waiting.some((one) => one.name === "present" && one.value === button.value);
      button.classList.toggle("going", going);
    }
  }

  // A tick stays here until the hub has said that it is kept.
  async function send() {
    if (sending) {
      return;
    }
    sending = true;
    while (waiting.length > 0) {
      const one = waiting[0];
      const body = new URLSearchParams(one.fields);
      let answer = null;
      try {
        answer = await fetch(form.action, {
          method: "POST",
          body,
          headers: { Accept: "application/json" },
          redirect: "manual",
        });
      } catch {
        answer = null;
      }
      if (answer !== null && answer.ok) {
        waiting.shift();
      } else if (answer !== null && (answer.type === "opaqueredirect" || answer.status < 500)) {
        // Logged out, or this roll call is over: the page itself says so.
        location.reload();
        return;
      } else {
        one.failed = true;
        mark();
        await new Promise((done) => setTimeout(done, RETRY_MS));
      }
      mark();
    }
    sending = false;
  }

  form.addEventListener("submit", (event) => {
    const button = event.submitter;
    if (button === null || !button.name) {
      return;
    }
    event.preventDefault();
    const fields = new FormData(form);
    fields.set(button.name, button.value);
    waiting.push({ name: button.name, value: button.value, fields, failed: false });
    mark();
    send();
  });

  // A live page replaces whole companies: what is on its way keeps its sign.
  new MutationObserver(mark).observe(form, { childList: true });

  // Nobody leaves with a tick in his pocket.
  addEventListener("beforeunload", (event) => {
    if (waiting.some((one) => one.failed)) {
      event.preventDefault();
    }
  });
})();
