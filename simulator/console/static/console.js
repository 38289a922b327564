// Keeps the page live, taps without leaving it, and plays the buzzers. The page works without it.
"use strict";

(() => {
  const body = document.body;
  const said = document.getElementById("said");
  const saidText = document.getElementById("said-text");
  const lost = document.getElementById("lost");
  const view = document.querySelector("iframe");
  const SILENCE_MS = 12500; // two and a half beats of the server
  const SLOWEST_MS = 15000;

  // ---------------------------------------------------------------- gates

  function part(gate, name) {
    return gate.querySelector(`[data-part="${name}"]`);
  }

  function setText(element, words) {
    if (element.textContent !== words) {
      element.textContent = words;
    }
  }

  function setSwitch(button, on) {
    button.setAttribute("aria-checked", on ? "true" : "false");
    button.value = on ? "0" : "1";
  }

  const draw = {
    ring: (gate, colours) => {
      const lamps = part(gate, "ring").children;
      colours.forEach((colour, i) => lamps[i].setAttribute("color", colour));
    },
    display: (gate, path) => part(gate, "display").setAttribute("d", path),
    spoken: (gate, words) => setText(part(gate, "spoken"), words),
    hint: (gate, words) => setText(part(gate, "hint"), words),
    unsent: (gate, count) => (gate.dataset.unsent = count || 0),
    arm: (gate, state) => (gate.dataset.arm = state),
    buzzer: (gate, hertz) => (gate.dataset.sounding = hertz > 0),
    powered: (gate, on) => {
      gate.dataset.powered = on;
      setSwitch(part(gate, "power"), on);
    },
    network: (gate, on) => setSwitch(part(gate, "network"), on),
  };

  function showGate(event) {
    const news = JSON.parse(event.data);
    const gate = document.querySelector(`[data-gate="${CSS.escape(news.terminal)}"]`);
    if (gate === null) {
      location.reload(); // another demo runs at this address now
      return;
    }
    for (const [name, value] of Object.entries(news)) {
      if (name in draw) {
        draw[name](gate, value);
      }
    }
    hear(news);
    alive();
  }

  let mode; // the authority's, once it is known

  function showAuthority(event) {
    const news = JSON.parse(event.data);
    for (const button of document.querySelectorAll(".modes button")) {
      button.setAttribute("aria-pressed", button.value === news.mode ? "true" : "false");
    }
    const explained = document.querySelector('[data-part="explained"]');
    setText(explained, news.explained);
    explained.dataset.tone = news.mode === "up" ? "up" : "other";
    const shown = document.querySelector('[data-show="authority"][aria-current]');
    if (shown !== null && mode !== undefined && mode !== news.mode) {
      view.src = shown.href; // its page says how it is to be reached
    }
    mode = news.mode;
    alive();
  }

  // ---------------------------------------------------------------- live

  let source = null;
  let silence = 0;
  let retry = 0;
  let pause = 1000;

  function alive() {
    lost.hidden = true;
    pause = 1000;
    clearTimeout(silence);
    silence = setTimeout(() => {
      lost.hidden = false;
      connect();
    }, SILENCE_MS);
  }

  function disconnect() {
    clearTimeout(retry);
    clearTimeout(silence);
    if (source !== null) {
      source.close();
      source = null;
    }
  }

  function connect() {
    disconnect();
    heard.clear(); // what sounded while nobody looked is not played afterwards
    const mine = new EventSource(body.dataset.events);
    source = mine;
    mine.addEventListener("gate", showGate);
    mine.addEventListener("authority", showAuthority);
    mine.addEventListener("beat", alive);
    mine.addEventListener("error", () => {
      if (mine !== source) {
        return;
      }
      lost.hidden = false;
      heard.clear();
      // The browser comes back by itself unless the server answered with an error.
      if (mine.readyState === EventSource.CLOSED) {
        retry = setTimeout(connect, pause);
        pause = Math.min(pause * 2, SLOWEST_MS);
      }
    });
  }

  // Browsers allow six connections to one address: a page that nobody sees gives its own back.
  document.addEventListener("visibilitychange", () => {
    if (document.hidden) {
      disconnect();
      quiet();
    } else {
      connect();
    }
  });

  // ---------------------------------------------------------------- doing

  function say(tone, words) {
    said.dataset.tone = tone;
    setText(saidText, words);
  }

  async function send(form, button) {
    const fields = new URLSearchParams(new FormData(form));
    fields.set(button.name, button.value);
    button.setAttribute("aria-busy", "true");
    try {
      const response = await fetch(form.getAttribute("action"), {
        method: "POST",
        body: fields,
        headers: { Accept: "application/json" },
      });
      const outcome = await response.json();
      say(outcome.tone, outcome.text);
    } catch {
      say("failed", lost.textContent);
    } finally {
      button.removeAttribute("aria-busy");
    }
  }

  document.addEventListener("submit", (event) => {
    const form = event.target;
    if (!("live" in form.dataset) || event.submitter === null) {
      return;
    }
    event.preventDefault();
    if (event.submitter.getAttribute("aria-busy") !== "true") {
      send(form, event.submitter);
    }
  });

  // ---------------------------------------------------------------- sound

  const SHORT_S = 0.07; // a tone that was over before it was reported
  const LONGEST_S = 1.2;
  const VOLUME = 0.08;
  const button = document.getElementById("sound");
  const heard = new Map(); // gate -> how many sounds of this tap were heard
  let audio = null;
  let voice = null; // the tone that lasts until the buzzer changes
  let busyUntil = 0;

  function tone(hertz, seconds) {
    const from = Math.max(audio.currentTime, busyUntil);
    const oscillator = audio.createOscillator();
    const volume = audio.createGain();
    oscillator.type = "square"; // a piezo disc driven by a pin
    oscillator.frequency.value = hertz;
    volume.gain.value = VOLUME;
    oscillator.connect(volume).connect(audio.destination);
    oscillator.start(from);
    oscillator.stop(from + seconds);
    return { oscillator, until: from + seconds };
  }

  function quiet() {
    if (voice !== null) {
      voice.oscillator.stop();
      voice = null;
    }
  }

  // A tone is played for as long as the buzzer is reported to sound; one that began and ended
  // between two reports is known from the list only, and is played briefly.
  function hear(news) {
    const sounds = news.sounds;
    const known = heard.get(news.terminal);
    if (sounds) {
      heard.set(news.terminal, sounds.length);
    }
    if (audio === null || known === undefined) {
      return;
    }
    if ("buzzer" in news) {
      quiet();
    }
    const fresh = sounds ? sounds.slice(sounds.length > known ? known : 0) : [];
    const lasting = news.buzzer || 0;
    for (const hertz of lasting ? fresh.slice(0, -1) : fresh) {
      busyUntil = tone(hertz, SHORT_S).until;
    }
    if (lasting) {
      voice = tone(lasting, LONGEST_S);
    }
  }

  button.hidden = false;
  button.addEventListener("click", () => {
    const on = button.getAttribute("aria-pressed") !== "true";
    button.setAttribute("aria-pressed", on ? "true" : "false");
    if (on) {
      audio = new AudioContext();
      busyUntil = tone(1320, SHORT_S).until; // so that one knows it works
    } else {
      quiet();
      audio.close();
      audio = null;
      busyUntil = 0;
    }
  });

  // ---------------------------------------------------------------- pages

  const below = document.getElementById("below");
  const tabs = Array.from(document.querySelectorAll("[data-show]"));

  function mark(name) {
    for (const tab of tabs) {
      if (tab.dataset.show === name) {
        tab.setAttribute("aria-current", "true");
      } else {
        tab.removeAttribute("aria-current");
      }
    }
  }

  for (const tab of tabs) {
    tab.addEventListener("click", () => mark(tab.dataset.show));
  }

  below.hidden = false;
  body.classList.add("has-views");
  below.addEventListener("click", (event) => {
    const chosen = event.target.closest("[data-view]");
    if (chosen === null) {
      return;
    }
    const name = chosen.dataset.view;
    body.dataset.view = name;
    for (const each of below.children) {
      each.setAttribute("aria-pressed", each === chosen ? "true" : "false");
    }
    const tab = tabs.find((one) => one.dataset.show === name);
    if (tab !== undefined && !tab.hasAttribute("aria-current")) {
      tab.click();
    }
    scrollTo(0, 0);
  });

  connect();
})();
