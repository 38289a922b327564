// Brings the page of a badge up to date, and checks a person's number while it is typed.
// Without it the page loads itself again, and the number is checked when the form is sent.
"use strict";

const LOOK_MS = 1000;

function shown(seconds) {
  return `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, "0")}`;
}

function watch(card) {
  const figure = card.querySelector(".figure");
  let ends = card.dataset.left ? Date.now() + 1000 * Number(card.dataset.left) : null;

  async function look() {
    try {
      const answer = await fetch(card.dataset.watch, { cache: "no-store" });
      const told = answer.ok ? await answer.json() : { state: "gone" };
      if (told.state !== card.dataset.state || String(told.refused) !== card.dataset.refused) {
        location.reload();
        return;
      }
      if (ends !== null) {
        ends = Date.now() + 1000 * told.left_s;
      }
    } catch {
      // The hub is away for a moment: the next look tells.
    }
    setTimeout(look, LOOK_MS);
  }

  function count() {
    if (figure && ends !== null) {
      figure.textContent = shown(Math.max(0, Math.ceil((ends - Date.now()) / 1000)));
    }
  }

  setInterval(count, 250);
  setTimeout(look, LOOK_MS);
}

// The check digits of an INSS or BIS number; born from 2000 on, a 2 stands before the nine digits.
function goodNumber(digits) {
  const body = digits.slice(0, 9);
  const check = Number(digits.slice(9));
  return [body, `2${body}`].some((one) => 97 - (Number(one) % 97) === check);
}

function check(input) {
  const told = document.getElementById("c-number");
  function say() {
    const digits = input.value.replace(/[\s.\-/]/g, "");
    const whole = /^\d{11}$/.test(digits);
    const good = whole && goodNumber(digits);
    told.textContent = whole ? (good ? input.dataset.good : input.dataset.bad) : "";
    told.className = whole ? (good ? "check good" : "check bad") : "check";
  }
  input.addEventListener("input", () => {
    document.getElementById("w-number")?.remove(); // it was about what stood there before
    say();
  });
}

document.querySelectorAll("[data-watch]").forEach(watch);
document.querySelectorAll("[data-check]").forEach(check);
