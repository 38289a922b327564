// Checks the digits of a number while it is typed, and shows only what a kind of person needs.
// The server checks again: without this script the form works the same, one step later.
"use strict";

(() => {
  const form = document.querySelector("form[data-person]");
  if (!form) return;

  const separators = /[\s.\-/:]/g;

  // Two check digits: 97 less the rest of the nine before them, with a 2 in front from 2000 on.
  const inssHolds = (digits) => {
    const body = BigInt(digits.slice(0, 9));
    const check = BigInt(digits.slice(9));
    return check === 97n - (body % 97n) || check === 97n - ((2000000000n + body) % 97n);
  };

  // A rule that is inferred from samples: it never says more than "looks mistyped".
  const limosaHolds = (digits) => BigInt(digits) % 97n === 1n;

  const rules = { inss: [11, inssHolds], limosa: [17, limosaHolds] };

  const check = (input) => {
    const [length, holds] = rules[input.dataset.check];
    const digits = input.value.replace(separators, "");
    const told = form.querySelector(`[data-checked="${input.dataset.check}"]`);
    let word = "";
    let tone = "";
    if (digits !== "") {
      if (!/^\d+$/.test(digits) || digits.length > length) {
        [word, tone] = [input.dataset.bad, "bad"];
      } else if (digits.length < length) {
        word = input.dataset.short.replace("{count}", String(digits.length));
      } else {
        [word, tone] = holds(digits) ? [input.dataset.good, "good"] : [input.dataset.bad, "bad"];
      }
    }
    told.textContent = word;
    told.dataset.tone = tone;
  };

  for (const input of form.querySelectorAll("[data-check]")) {
    input.addEventListener("input", () => check(input));
    // What the server said of it stands already.
    if (input.getAttribute("aria-invalid") !== "true") check(input);
  }

  const kind = form.elements.namedItem("kind");
  const narrow = () => {
    for (const part of form.querySelectorAll("[data-kinds]")) {
      const shown = part.dataset.kinds.split(" ").includes(kind.value);
      // What holds an error or something typed is never hidden from who must see it.
      const filled = [...part.querySelectorAll("input:not([type=checkbox])")].some((one) => one.value);
      part.hidden = !shown && !filled && !part.querySelector("[aria-invalid]");
    }
  };
  kind.addEventListener("change", narrow);
  narrow();
})();
