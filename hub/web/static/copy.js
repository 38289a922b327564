// Copies the message beside the button. Without this file it is selected and copied by hand.
"use strict";

(() => {
  const button = document.querySelector("[data-copy]");
  const message = document.querySelector("textarea.message");
  if (button === null || message === null) {
    return;
  }
  button.hidden = false;
  button.addEventListener("click", async () => {
    message.select();
    // The clipboard is only there for https and for this machine; the older way is everywhere.
    if (navigator.clipboard) {
      await navigator.clipboard.writeText(message.value);
    } else {
      document.execCommand("copy");
    }
    button.textContent = button.dataset.done;
  });
})();
