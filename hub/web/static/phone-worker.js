// Lets the phone page open without a network, and sends what was kept when there is one again.
// What it keeps of pages holds nothing of anybody: see the page at /phone/{site}/offline.
"use strict";

importScripts("/static/phone-store.js");

const PAGES = "sitegate-phone-1";

self.addEventListener("install", () => self.skipWaiting());
self.addEventListener("activate", (event) => event.waitUntil(self.clients.claim()));

async function page(request) {
  try {
    return await fetch(request);
  } catch (error) {
    const pages = await caches.open(PAGES);
    const site = new URL(request.url).pathname.split("/")[2];
    const known = site ? await pages.match(`/phone/${site}/offline`, { ignoreVary: true }) : undefined;
    if (known) return known;
    for (const one of await pages.keys()) {
      if (one.url.endsWith("/offline")) return pages.match(one, { ignoreVary: true });
    }
    throw error;
  }
}

async function file(request) {
  const pages = await caches.open(PAGES);
  return (await pages.match(request, { ignoreVary: true })) || fetch(request);
}

self.addEventListener("fetch", (event) => {
  const { request } = event;
  const { origin, pathname } = new URL(request.url);
  if (request.method !== "GET" || origin !== self.location.origin) return;
  if (request.mode === "navigate") event.respondWith(page(request));
  else if (pathname.startsWith("/static/")) event.respondWith(file(request));
});

self.addEventListener("sync", (event) => {
  if (event.tag !== "sitegate-acts") return;
  event.waitUntil((async () => {
    await self.phoneStore.sendAll();
    // What is still kept is asked for again: the browser calls later when this fails.
    const left = await self.phoneStore.all();
    for (const one of await self.clients.matchAll()) one.postMessage("sent");
    if (left.length) throw new Error("not everything was sent");
  })());
});
