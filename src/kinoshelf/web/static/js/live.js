// The socket. It comes back by itself, and says so: whoever listens fetches what was missed.

import { get } from "./api.js";
import { byId, show, url } from "./page.js";

const FIRST_WAIT_MS = 500;
const LONGEST_WAIT_MS = 15_000;
// A laptop that slept keeps a dead socket that nobody closes.
const SILENCE_MS = 40_000;
const HINT_AFTER_MS = 1_500;

// `handlers` maps message types to functions; `connected(isAgain)` is called at every SYNC_ALL of a fresh connection.
export function listen(handlers) {
  let socket = null;
  let wait = FIRST_WAIT_MS;
  let timer = 0;
  let hintTimer = 0;
  let lastHeard = Date.now();
  let connections = 0;
  let isEnded = false;

  function open() {
    clearTimeout(timer);
    const address = new URL(url("/api/ws"), location.href);
    address.protocol = address.protocol === "https:" ? "wss:" : "ws:";
    // The page reads its part of the list itself: it wants to know when, not everything.
    address.searchParams.set("sync", "page");
    const mine = new WebSocket(address);
    socket = mine;
    mine.onmessage = (event) => {
      lastHeard = Date.now();
      const message = JSON.parse(event.data);
      if (message.type === "SYNC_ALL") greeted();
      handlers[message.type]?.(message);
    };
    mine.onclose = () => {
      if (socket === mine) lost();
    };
  }

  function greeted() {
    wait = FIRST_WAIT_MS;
    clearTimeout(hintTimer);
    hintTimer = 0;
    show(byId("connection"), false);
    connections += 1;
    handlers.connected?.(connections > 1);
  }

  function lost() {
    if (isEnded) return;
    socket = null;
    hintTimer ||= setTimeout(() => {
      show(byId("connection"), true);
      handlers.lost?.();
    }, HINT_AFTER_MS);
    timer = setTimeout(retry, wait * (0.75 + Math.random() / 2));
    wait = Math.min(wait * 1.7, LONGEST_WAIT_MS);
  }

  async function retry() {
    // A refused handshake does not tell why; a plain request does, and leads to the login where that is the reason.
    try {
      await get("/api/engine/stats");
    } catch (error) {
      if (error.status === 401) return;
      if (error.status === 0) {
        lost();
        return;
      }
    }
    open();
  }

  function again() {
    if (isEnded) return;
    if (socket) {
      const old = socket;
      socket = null;
      old.close();
    }
    wait = FIRST_WAIT_MS;
    clearTimeout(timer);
    retry();
  }

  addEventListener("online", again);
  addEventListener("pagehide", () => {
    isEnded = true;
    clearTimeout(timer);
    socket?.close();
  });
  addEventListener("pageshow", (event) => {
    if (!event.persisted) return;
    isEnded = false;
    again();
  });
  document.addEventListener("visibilitychange", () => {
    if (document.visibilityState !== "visible") return;
    if (!socket) again();
    else if (Date.now() - lastHeard > SILENCE_MS) again();
  });

  open();
}
