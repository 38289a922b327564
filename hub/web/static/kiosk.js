// Keeps a kiosk's screen for one person only, and up to date. Everything works without it: the page
// loads itself again, and a number is checked when it is sent.
"use strict";

const LOOK_MS = 1000;
const idleMs = 1000 * Number(document.body.dataset.idleS);
let lastTouch = Date.now();

function used() {
  if (document.body.dataset.page !== "start" || "used" in document.body.dataset) return true;
  return [...document.querySelectorAll("input:not([type=hidden])")].some((one) => one.value !== "");
}

function nextPerson() {
  document.querySelector("form[data-next]")?.submit();
}

for (const touch of ["pointerdown", "keydown", "input"]) {
  document.addEventListener(touch, () => { lastTouch = Date.now(); }, { passive: true });
}
setInterval(() => {
  if (Date.now() - lastTouch >= idleMs && used()) {
    lastTouch = Date.now();
    nextPerson();
  }
}, 500);

// A page out of the browser's memory may be the one of the person before.
window.addEventListener("pageshow", (event) => {
  if (event.persisted) location.reload();
});

function watch(answer) {
  async function look() {
    try {
      const got = await fetch(answer.dataset.turn, { cache: "no-store" });
      if (got.ok) {
        const told = await got.json();
        if (told.over) {
          location.replace("/kiosk");
          return;
        }
        answer.dataset.stage = told.stage;
        for (const [id, text] of [["k-stage", told.word], ["k-said", told.say]]) {
          const place = document.getElementById(id);
          if (place.textContent !== text) place.textContent = text;
        }
      }
    } catch {
      // The hub is away for a moment: what is kept stays kept, the next look tells.
    }
    setTimeout(look, LOOK_MS);
  }
  setTimeout(look, LOOK_MS);
}

// The check digits of an INSS or BIS number; born from 2000 on, a 2 stands before the nine digits.
function goodNumber(digits) {
  const body = digits.slice(0, 9);
  return [body, `2${body}`].some((one) => 97 - (Number(one) % 97) === Number(digits.slice(9)));
}

function check(input) {
  const told = document.getElementById("k-checked");
  input.addEventListener("input", () => {
    const digits = input.value.replace(/[\s.\-/]/g, "");
    let word = "";
    if (/^\d{11}$/.test(digits)) word = goodNumber(digits) ? "good" : "bad";
    // The rule of a Limosa number is only inferred: never more than its length is said.
    if (/^\d{17}$/.test(digits)) word = "good";
    if (digits.length > 17 || /\D/.test(digits)) word = "bad";
    told.textContent = word ? input.dataset[word] : "";
    told.dataset.tone = word;
  });
}

function keypad(keys, input) {
  keys.hidden = false;
  keys.addEventListener("click", (event) => {
    const key = event.target.closest("[data-key]")?.dataset.key;
    if (key === undefined) return;
    if (key === "clear") input.value = "";
    else if (key === "back") input.value = input.value.slice(0, -1);
    else input.value += key;
    input.dispatchEvent(new Event("input", { bubbles: true }));
  });
  // A tablet shows no second keyboard over the first one.
  if (matchMedia("(pointer: coarse)").matches) input.inputMode = "none";
}

const number = document.getElementById("k-number");
if (number) {
  check(number);
  keypad(document.querySelector("[data-keys]"), number);
}
document.querySelectorAll("[data-turn]").forEach(watch);

const full = document.querySelector("[data-full]");
if (full && document.fullscreenEnabled && !document.fullscreenElement) {
  full.hidden = false;
  full.addEventListener("click", async () => {
    await document.documentElement.requestFullscreen();
    full.hidden = true;
  });
}
