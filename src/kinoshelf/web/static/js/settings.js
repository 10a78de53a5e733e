// The settings: what was changed is marked, sent together, and taken over at once.

import { call, post, put, remove } from "./api.js";
import { copy } from "./drawer.js";
import { areKeysOn, KEYS_SETTING } from "./keys.js";
import { byId, element, ready, root, setText, show, toast, url } from "./page.js";
import { isGood, readyRules } from "./passwords.js";
import { _, ngettext } from "./texts.js";

const form = byId("settings");
const bar = byId("save-bar");
const rows = [...form.querySelectorAll(".setting:not([data-fixed])")];
const forgotten = new Set();

// Reading a row

const bytes = (number, unit) => Math.round(Number(number || 0) * Number(unit));

const READ = {
  switch: (row) => row.querySelector("input").checked,
  choice: (row) => row.querySelector("select").value,
  number: (row) => {
    const { value } = row.querySelector("input");
    return value === "" ? null : Number(value);
  },
  size: (row) => bytes(row.querySelector("input").value, row.querySelector("[data-unit]").value),
  speed: (row) => bytes(row.querySelector("input").value, row.querySelector("[data-unit]").value),
  words: (row) => row.querySelector("input").value.split(/[,\s]+/).filter(Boolean),
  secret: (row) => row.querySelector("input").value || (forgotten.has(row.dataset.key) ? "" : null),
  windows: (row) =>
    [...row.querySelectorAll(".window")].map((window) => ({
      days: [...window.querySelectorAll(".days input:checked")].map((day) => day.value),
      start: window.querySelector("[data-start]").value,
      end: window.querySelector("[data-end]").value,
      limit_bytes_per_second: bytes(window.querySelector("[data-limit]").value, window.querySelector("[data-unit]").value),
    })),
  text: (row) => {
    const { value } = row.querySelector("input");
    return value.trim() === "" && row.hasAttribute("data-optional") ? null : value.trim();
  },
};

const read = (row) => READ[row.dataset.kind](row);
const before = new Map(rows.map((row) => [row.dataset.key, JSON.stringify(read(row))]));

function changes() {
  const found = {};
  for (const row of rows) {
    const value = read(row);
    const isChanged = JSON.stringify(value) !== before.get(row.dataset.key);
    row.toggleAttribute("data-changed", isChanged);
    if (isChanged) found[row.dataset.key] = value;
  }
  return found;
}

function draw() {
  const number = Object.keys(changes()).length;
  show(bar, number > 0);
  show(byId("save-problem"), false);
  if (number) setText(byId("save-count"), ngettext("{n} change", "{n} changes", number));
}

function problemAt(row, text) {
  const line = row.querySelector(".setting-problem");
  setText(line, text);
  show(line, Boolean(text));
  const field = row.querySelector("input, select");
  if (text) field?.setAttribute("aria-invalid", "true");
  else field?.removeAttribute("aria-invalid");
}

form.addEventListener("input", (event) => {
  const row = event.target.closest(".setting");
  if (row) problemAt(row, "");
  draw();
});
form.addEventListener("change", draw);
form.addEventListener("click", (event) => {
  const button = event.target.closest("button");
  if (!button) return;
  const row = button.closest(".setting");
  if (button.matches("[data-add-window]")) row.querySelector("ol").append(byId("window-template").content.firstElementChild.cloneNode(true));
  else if (button.matches("[data-remove-window]")) button.closest(".window").remove();
  else if (button.matches("[data-forget]")) {
    forgotten.add(row.dataset.key);
    row.querySelector("input").placeholder = _("will be removed");
    button.remove();
  } else return;
  const none = row.querySelector("[data-no-windows]");
  if (none) show(none, !row.querySelector(".window"));
  draw();
});

byId("discard").addEventListener("click", () => location.reload());

// Does a key work, does an address answer? A key that was typed is asked about before it is saved.
form.addEventListener("click", async (event) => {
  const button = event.target.closest("[data-test]");
  if (!button) return;
  const row = button.closest(".setting");
  const said = row.querySelector("[data-test-said]");
  const isSecret = row.dataset.kind === "secret";
  const say = (text, isGood) => {
    setText(said, text);
    if (isGood === null) delete said.dataset.good;
    else said.dataset.good = String(isGood);
  };
  if (!isSecret && row.hasAttribute("data-changed")) {
    say(_("Save it first, then test it."), null);
    return;
  }
  button.disabled = true;
  say(_("Asking …"), null);
  try {
    const answer = await post("/settings/test", { what: button.dataset.test, value: isSecret ? row.querySelector("input").value : "" });
    say(answer.message, answer.works);
  } catch (error) {
    say(error.message, false);
  }
  button.disabled = false;
});

function firstInvalid() {
  for (const row of rows) {
    const field = [...row.querySelectorAll("input, select")].find((one) => !one.checkValidity());
    if (!field) continue;
    problemAt(row, field.validationMessage);
    return field;
  }
  return null;
}

let isSaved = false;
form.addEventListener("submit", async (event) => {
  event.preventDefault();
  const wrong = firstInvalid();
  if (wrong) {
    wrong.focus();
    return;
  }
  const button = form.querySelector('[type="submit"]');
  button.disabled = true;
  try {
    await put("/api/settings", { settings: changes() });
    isSaved = true;
    sessionStorage.setItem("kinoshelf.saved", "1");
    location.reload();
  } catch (error) {
    button.disabled = false;
    const row = rows.find((one) => error.message.includes(one.dataset.key));
    if (row) {
      problemAt(row, error.message.replace(/^settings: /i, "").replace(`${row.dataset.key}: `, ""));
      row.querySelector("input, select")?.focus();
    }
    setText(byId("save-problem"), row ? _("Not saved: one setting is not possible.") : error.message);
    show(byId("save-problem"), true);
  }
});
addEventListener("beforeunload", (event) => {
  if (!isSaved && Object.keys(changes()).length && event.isTrusted && !bar.hidden && !form.dataset.leaving) event.preventDefault();
});
byId("discard").addEventListener("click", () => {
  form.dataset.leaving = "";
}, { capture: true });
if (sessionStorage.getItem("kinoshelf.saved")) {
  sessionStorage.removeItem("kinoshelf.saved");
  toast(_("Settings saved"));
}

// Password and sign-out

const passwordForm = byId("password-form");
if (passwordForm) {
  readyRules(passwordForm.elements.new, passwordForm.querySelector("[data-password-rules]"));
  passwordForm.addEventListener("submit", async (event) => {
    event.preventDefault();
    const { current, new: fresh, again } = passwordForm.elements;
    const problem = byId("password-problem");
    const refuse = (text, field) => {
      setText(problem, text);
      show(problem, true);
      field?.focus();
    };
    show(problem, false);
    if (!isGood(fresh.value)) return refuse(_("The password does not have everything it needs yet."), fresh);
    if (fresh.value !== again.value) return refuse(_("The two passwords differ."), again);
    try {
      await call("POST", "/settings/password", { body: { current: current.value, new: fresh.value }, staysOn401: true });
      passwordForm.reset();
      fresh.dispatchEvent(new Event("input"));
      toast(_("The password is changed"));
    } catch (error) {
      refuse(error.message, current);
    }
    return undefined;
  });
  byId("sign-out").addEventListener("click", async () => {
    await post("/api/auth/logout");
    location.assign(url("/login"));
  });
}

// API keys

const keyForm = byId("key-form");
if (keyForm) {
  const list = byId("api-keys");
  const drawNone = () => show(byId("no-keys"), !list.children.length);
  keyForm.addEventListener("submit", async (event) => {
    event.preventDefault();
    try {
      const made = await post("/settings/keys", { name: keyForm.elements.name.value });
      setText(byId("new-key-text"), made.key);
      show(byId("new-key"), true);
      const revoke = element("button", { type: "button", class: "secondary outline danger", "data-revoke": true }, _("Revoke"));
      const name = element("span", { class: "key-name", dir: "auto" }, made.name);
      list.append(element("li", { "data-key-id": made.id }, name, element("code", {}, `${made.key.slice(0, 12)}…`), element("span", { class: "hint" }, _("made just now")), revoke));
      keyForm.reset();
      drawNone();
    } catch (error) {
      toast(error.message, { isBad: true });
    }
  });
  byId("copy-key").addEventListener("click", () => copy(byId("new-key-text").textContent));
  list.addEventListener("click", async (event) => {
    const button = event.target.closest("[data-revoke]");
    if (!button) return;
    // The first press asks, the second does it.
    if (!button.dataset.asked) {
      button.dataset.asked = "1";
      setText(button, _("Really revoke?"));
      return;
    }
    const row = button.closest("li");
    try {
      await remove(`/settings/keys/${row.dataset.keyId}`);
      toast(_("The key {name} opens nothing any more", { name: row.querySelector(".key-name").textContent }));
      row.remove();
      drawNone();
    } catch (error) {
      toast(error.message, { isBad: true });
    }
  });
}

// This browser

const YEAR_SECONDS = 365 * 24 * 3600;

function keep(name, value) {
  const path = root.dataset.base || "/";
  document.cookie = `${name}=${encodeURIComponent(value)}; path=${path}; max-age=${value ? YEAR_SECONDS : 0}; samesite=lax`;
}

byId("theme").addEventListener("change", (event) => {
  keep("kinoshelf_theme", event.target.value);
  if (event.target.value) root.dataset.theme = event.target.value;
  else delete root.dataset.theme;
});
byId("language").addEventListener("change", (event) => {
  keep("kinoshelf_language", event.target.value);
  form.dataset.leaving = "";
  location.reload();
});
byId("keys-on").checked = areKeysOn();
byId("keys-on").addEventListener("change", (event) => localStorage.setItem(KEYS_SETTING, event.target.checked ? "on" : "off"));

ready();
