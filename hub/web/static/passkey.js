// Makes a passkey, or logs in with one: asks the browser, and sends its answer with the form.
// Without this file, or without a browser that knows passkeys, the password is there.
"use strict";

(() => {
  const form = document.querySelector("form[data-passkey]");
  if (form === null || !window.PublicKeyCredential) {
    return;
  }
  const failed = form.querySelector("[data-failed]");
  const button = form.querySelector("button");

  const bytes = (text) => {
    const plain = atob(text.replace(/-/g, "+").replace(/_/g, "/"));
    return Uint8Array.from(plain, (sign) => sign.charCodeAt(0));
  };
  const words = (buffer) =>
    btoa(String.fromCharCode(...new Uint8Array(buffer)))
      .replace(/\+/g, "-")
      .replace(/\//g, "_")
      .replace(/=+$/, "");
  const listed = (keys) => (keys || []).map((key) => ({ ...key, id: bytes(key.id) }));

  const make = async (options) => {
    const made = await navigator.credentials.create({
      publicKey: {
        ...options,
        challenge: bytes(options.challenge),
        user: { ...options.user, id: bytes(options.user.id) },
        excludeCredentials: listed(options.excludeCredentials),
      },
    });
    return [made, { attestationObject: words(made.response.attestationObject) }];
  };
  const use = async (options) => {
    const used = await navigator.credentials.get({
      publicKey: {
        ...options,
        challenge: bytes(options.challenge),
        allowCredentials: listed(options.allowCredentials),
      },
    });
    const { authenticatorData, signature, userHandle } = used.response;
    return [
      used,
      {
        authenticatorData: words(authenticatorData),
        signature: words(signature),
        userHandle: userHandle ? words(userHandle) : null,
      },
    ];
  };

  const begin = async () => {
    if (form.dataset.options) {
      return make(JSON.parse(form.dataset.options));
    }
    const asked = await fetch(form.dataset.passkey, {
      method: "POST",
      body: new URLSearchParams({ csrf: form.elements.csrf.value }),
    });
    if (!asked.ok) {
      throw new Error("refused");
    }
    return use(await asked.json());
  };

  form.hidden = false;
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    button.disabled = true;
    failed.hidden = true;
    try {
      const [key, response] = await begin();
      response.clientDataJSON = words(key.response.clientDataJSON);
      form.elements.answer.value = JSON.stringify({
        id: key.id,
        rawId: words(key.rawId),
        type: key.type,
        response,
      });
      form.submit();
    } catch {
      // Put off, no passkey here, or known already: the browser has said why.
      button.disabled = false;
      failed.hidden = false;
      failed.focus();
    }
  });
})();
