// What a phone keeps of acts that the hub does not have yet, and how they get there. Used by the
// page and by its service worker. Kept are name, way, site and moment of each act: nothing of anybody.
"use strict";

self.phoneStore = (() => {
  const NAME = "sitegate-phone";
  const PLACE = "acts";

  function opened() {
    return new Promise((resolve, reject) => {
      const asked = indexedDB.open(NAME, 1);
      asked.onupgradeneeded = () => asked.result.createObjectStore(PLACE, { keyPath: "reference" });
      asked.onsuccess = () => resolve(asked.result);
      asked.onerror = () => reject(asked.error);
    });
  }

  async function done(mode, work) {
    const base = await opened();
    try {
      return await new Promise((resolve, reject) => {
        const change = base.transaction(PLACE, mode);
        const asked = work(change.objectStore(PLACE));
        // Only what is committed is kept.
        change.oncomplete = () => resolve(asked.result);
        change.onerror = change.onabort = () => reject(change.error);
      });
    } finally {
      base.close();
    }
  }

  async function all() {
    const found = await done("readonly", (store) => store.getAll());
    return found.sort((one, other) => one.at - other.at);
  }

  const keep = (act) => done("readwrite", (store) => store.put(act));
  const drop = (reference) => done("readwrite", (store) => store.delete(reference));

  // Returns {status, told} of one act; status 0: the hub was not reached.
  async function send(act, csrf, more) {
    try {
      const answer = await fetch(`/phone/${act.site}/act.json`, {
        method: "POST",
        cache: "no-store",
        redirect: "error",
        headers: { "Content-Type": "application/json", "X-Csrf": csrf },
        body: JSON.stringify({
          reference: act.reference, way: act.way, at: act.at, sent: Date.now(), ...more,
        }),
      });
      const wait = Number(answer.headers.get("Retry-After") || 0);
      const plain = (answer.headers.get("Content-Type") || "").startsWith("application/json");
      return { status: answer.status, wait, told: plain ? await answer.json() : null };
    } catch {
      return { status: 0, wait: 0, told: null };
    }
  }

  async function state(site) {
    try {
      const answer = await fetch(`/phone/${site}/state.json`, { cache: "no-store", redirect: "error" });
      return answer.ok ? await answer.json() : { failed: answer.status };
    } catch {
      return { failed: 0 };
    }
  }

  // Sends what is kept, oldest first; an act is dropped here once the hub says that it has it.
  // Returns the answers, by name of the act. `more` is told with an act that was made just now.
  async function sendAll(more = {}) {
    const answers = {};
    let csrf = "";
    for (const act of await all()) {
      if (!csrf) {
        const now = await state(act.site);
        if (!now.csrf) {
          answers[act.reference] = { status: now.failed, wait: 0, told: null };
          break;
        }
        csrf = now.csrf;
      }
      const answer = await send(act, csrf, more[act.reference] || { kept: true });
      answers[act.reference] = answer;
      if (answer.status === 200) await drop(act.reference);
      else if (answer.status !== 422) break;
    }
    return answers;
  }

  return { all, keep, drop, state, sendAll };
})();
