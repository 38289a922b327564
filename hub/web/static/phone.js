// Keeps an act on the phone until the hub has it, and says how far it is: kept on this phone, kept
// at the hub, registered. Without this script the form alone does what it can.
"use strict";

const here = document.getElementById("p-here").dataset;
const form = document.getElementById("p-ways");
const keptList = document.getElementById("p-kept");
const card = document.getElementById("p-act");
const notice = document.getElementById("p-notice");
const store = self.phoneStore;
const refused = new Map();
const LOOK_MS = 2000;
const AGAIN_MS = 15000;
const PLACE_MS = 10000;
const PAGES = "sitegate-phone-1";

function tell(text) {
  notice.textContent = text;
  notice.hidden = !text;
}

function timeOf(moment) {
  const how = { hour: "2-digit", minute: "2-digit", timeZone: "Europe/Brussels" };
  return new Intl.DateTimeFormat(document.documentElement.lang, how).format(moment);
}

function line(name, text) {
  const one = document.createElement("p");
  one.className = name;
  one.textContent = text;
  return one;
}

function shape(name) {
  const made = document.getElementById(`s-${name}`);
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  svg.setAttribute("class", "symbol");
  svg.setAttribute("aria-hidden", "true");
  const use = document.createElementNS("http://www.w3.org/2000/svg", "use");
  use.setAttribute("href", `#${made.id}`);
  svg.append(use);
  return svg;
}

function keptItem(act) {
  const item = document.createElement("li");
  const told = document.createElement("div");
  const no = refused.get(act.reference);
  const text = here[act.site === here.site ? act.way : `elsewhere${act.way === "in" ? "In" : "Out"}`];
  item.dataset.reference = act.reference;
  item.append(shape(no ? "warning" : "kept"), told);
  told.append(line("p-what", text.replace("@", timeOf(act.at))));
  told.append(line("p-word", no ? no.word : here.word), line("p-say", no ? no.say : here.say));
  if (no) {
    item.dataset.refused = "";
    const button = document.createElement("button");
    button.textContent = here.drop;
    button.addEventListener("click", async () => {
      await store.drop(act.reference);
      await show();
    });
    told.append(button);
  }
  return item;
}

async function show() {
  const acts = await store.all();
  keptList.replaceChildren(...acts.map(keptItem));
  keptList.hidden = acts.length === 0;
  return acts;
}

function showAct(act) {
  card.hidden = false;
  card.dataset.stage = act.stage;
  card.dataset.settled = act.settled ? "yes" : "no";
  card.dataset.reference = act.reference;
  for (const [id, text] of [["p-what", act.what], ["p-word", act.word], ["p-say", act.say]]) {
    const place = document.getElementById(id);
    if (place.textContent !== text) place.textContent = text;
  }
}

let sending = null;
let more = {};

// One at a time; what is asked meanwhile is done after it.
function send(extra = {}) {
  more = { ...more, ...extra };
  sending = (sending || Promise.resolve()).then(once, once);
  return sending;
}

async function once() {
  if ((await store.all()).length === 0) return;
  const answers = await store.sendAll(more);
  for (const [reference, answer] of Object.entries(answers)) {
    if (answer.status === 200) {
      delete more[reference];
      showAct(answer.told);
      tell(answer.told.clock);
      document.getElementById("p-offline")?.setAttribute("hidden", "");
    } else if (answer.status === 422 && answer.told) {
      refused.set(reference, answer.told);
    } else if (answer.status === 429 && answer.told) {
      tell(`${answer.told.word} ${answer.told.say}`);
      setTimeout(send, 1000 * answer.wait);
    } else if ([401, 403, 404].includes(answer.status)) {
      tell(here.unknown);
    }
  }
  await show();
}

async function askForSync() {
  try {
    const registration = await navigator.serviceWorker.ready;
    await registration.sync.register("sitegate-acts");
  } catch {
    // No Background Sync here: the page sends when it is open.
  }
}

function position() {
  return new Promise((resolve) => {
    if (!navigator.geolocation) {
      resolve(null);
      return;
    }
    const four = (degrees) => Math.round(degrees * 10000) / 10000;
    navigator.geolocation.getCurrentPosition(
      ({ coords }) => resolve({ latitude: four(coords.latitude), longitude: four(coords.longitude) }),
      () => resolve(null),
      { timeout: PLACE_MS, maximumAge: 0 },
    );
  });
}

function newReference() {
  const bytes = crypto.getRandomValues(new Uint8Array(12));
  const text = btoa(String.fromCharCode(...bytes));
  return `${here.phone}-${text.replaceAll("+", "-").replaceAll("/", "_")}`;
}

async function act(way) {
  const one = { reference: newReference(), way, site: here.site, at: Date.now() };
  tell("");
  let place = null;
  if (here.location === "must") {
    place = await position();
    if (place === null) {
      tell(here.noPlace);
      return;
    }
  }
  try {
    await store.keep(one);
  } catch {
    tell(here.full);
    return;
  }
  await show();
  keptList.scrollIntoView({ block: "nearest" });
  if (here.location === "ask" && navigator.onLine) place = await position();
  await send({ [one.reference]: place || {} });
  if ((await store.all()).length) await askForSync();
}

form.addEventListener("submit", (event) => {
  event.preventDefault();
  const buttons = form.querySelectorAll("button");
  for (const one of buttons) one.disabled = true;
  act(event.submitter.value).finally(() => {
    for (const one of buttons) one.disabled = false;
  });
});

async function look() {
  if (card.dataset.settled === "no" && !document.hidden) {
    const now = await store.state(here.site);
    const mine = now.acts?.find((one) => one.reference === card.dataset.reference);
    if (mine) showAct(mine);
  }
  setTimeout(look, LOOK_MS);
}

async function again() {
  if (navigator.onLine && (await store.all()).some((one) => !refused.has(one.reference))) await send();
  setTimeout(again, AGAIN_MS);
}

// The page for times without a network, and the files it needs.
async function prepare() {
  if (!("serviceWorker" in navigator)) return;
  await navigator.serviceWorker.register("/phone/worker.js", { scope: "/phone" });
  const files = [...document.querySelectorAll("link[rel=stylesheet], link[rel=icon], script[src]")];
  const pages = await caches.open(PAGES);
  const wanted = files.map((one) => one.href || one.src);
  const offline = `/phone/${here.site}/offline`;
  const answer = await fetch(offline, { cache: "no-store", redirect: "error" });
  if (answer.ok) await pages.put(offline, answer);
  for (const known of await pages.keys()) {
    const old = known.url.includes("/static/") && !wanted.includes(known.url);
    if (old) await pages.delete(known);
  }
  await pages.addAll(wanted);
  document.documentElement.dataset.ready = "yes";
}

async function forget() {
  await caches?.delete(PAGES);
}

document.querySelector('form[action$="/forget"]')?.addEventListener("submit", () => {
  if ("caches" in self) forget();
});
self.addEventListener("online", () => send());
self.addEventListener("pageshow", (event) => {
  if (event.persisted) show();
});
navigator.serviceWorker?.addEventListener("message", async () => {
  await show();
  const now = await store.state(here.site);
  if (now.acts?.length) showAct(now.acts[0]);
});
document.addEventListener("visibilitychange", () => {
  if (!document.hidden) send();
});

show().then(() => send());
look();
setTimeout(again, AGAIN_MS);
prepare().catch(() => {
  // Without a network, or where the browser keeps no pages: an open page still works.
});
