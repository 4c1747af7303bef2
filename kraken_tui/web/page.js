"use strict";
// The time of the last word from the server, and a question every two seconds so that there always is one.
const SILENT_MS = 5000;
let heard = 0;
let open = null;
window.WebSocket = class extends window.WebSocket {
  constructor(...parameters) {
    super(...parameters);
    this.addEventListener("open", () => {
      open = this;
      heard = performance.now();
    });
    this.addEventListener("message", () => {
      heard = performance.now();
    });
    this.addEventListener("close", () => {
      open = null;
    });
  }
};

// Gives the terminal of textual-serve its address, and says why a screen has ended.
document.addEventListener("DOMContentLoaded", () => {
  const body = document.body;
  const ticket = body.dataset.ticket;
  const size = parseInt(new URLSearchParams(window.location.search).get("fontsize"), 10);
  const terminal = document.getElementById("terminal");
  if (size >= 6 && size <= 60) {
    terminal.dataset.fontSize = size;
  }
  const scheme = window.location.protocol === "https:" ? "wss:" : "ws:";
  terminal.dataset.sessionWebsocketUrl = `${scheme}//${window.location.host}/visit/${ticket}`;
  document.getElementById("again").addEventListener("click", () => window.location.reload());

  const ended = async () => {
    let reason = "";
    try {
      const answer = await fetch(`/ended/${ticket}`);
      reason = (await answer.text()) || "the screen was closed";
    } catch {
      reason = "the server does not answer any more; what is shown is old";
    }
    document.getElementById("reason").textContent = `kraken-tui: ${reason}.`;
    document.getElementById("ended").hidden = false;
    document.getElementById("starting").hidden = true;
    document.title = "kraken-tui: ended";
  };
  setInterval(() => {
    if (open === null) {
      return;
    }
    open.send(JSON.stringify(["ping", ""]));
    const silent = performance.now() - heard > SILENT_MS;
    if (silent) {
      const seconds = Math.round((performance.now() - heard) / 1000);
      document.getElementById("reason").textContent =
        `kraken-tui: nothing from the server for ${seconds} s; what is shown is old.`;
    }
    document.getElementById("ended").hidden = !silent;
    body.classList.toggle("silent", silent);
  }, 2000);

  let told = false;
  new MutationObserver(() => {
    if (!told && body.classList.contains("-closed")) {
      told = true;
      ended();
    } else if (body.classList.contains("-first-byte")) {
      // Keys go to the terminal without a click first.
      terminal.querySelector("textarea")?.focus();
    }
  }).observe(body, { attributes: true, attributeFilter: ["class"] });
});
