// Another page of a list, or another choice of what it shows, comes without leaving the page: htmx
// fetches the whole page and puts its main part in place. Without htmx links and forms just do it.
"use strict";

(() => {
  if (typeof htmx === "undefined") {
    return;
  }

  let paged = false;

  // As if there were no script.
  function leave(ctx) {
    const { action, method, submitter } = ctx.request;
    if (method === "GET") {
      location.assign(action);
      return;
    }
    const form = ctx.sourceElement;
    if (submitter && submitter.name) {
      const pressed = document.createElement("input");
      pressed.type = "hidden";
      pressed.name = submitter.name;
      pressed.value = submitter.value;
      form.append(pressed);
    }
    HTMLFormElement.prototype.submit.call(form);
  }

  // Led elsewhere, as to the login: that page is opened and not put into this one.
  document.addEventListener("htmx:before:response", (event) => {
    const { raw } = event.detail.ctx.response;
    if (raw.redirected) {
      event.preventDefault();
      location.assign(raw.url);
    }
  });

  // Whatever has no main part explains itself better as a page of its own.
  document.addEventListener("htmx:before:swap", (event) => {
    const { ctx, tasks } = event.detail;
    const found = tasks.find((task) => task.type === "main");
    if (!found || found.fragment.childElementCount === 0) {
      event.preventDefault();
      leave(ctx);
      return;
    }
    paged = ctx.sourceElement.closest(".pager") !== null;
  });

  document.addEventListener("htmx:error", (event) => {
    if (event.detail.ctx) {
      leave(event.detail.ctx);
    }
  });

  // What was asked for is read next, by eye and by ear.
  document.addEventListener("htmx:after:swap", () => {
    const main = document.getElementById("main");
    const target = main.querySelector(".problems") || main.querySelector(".scroll") || main;
    target.focus({ preventScroll: true });
    if (paged) {
      target.scrollIntoView();
    }
  });
})();
