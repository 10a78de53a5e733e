// The set-up: folders are looked at while they are typed, everything is saved at the end.

import { post, put } from "./api.js";
import { size } from "./format.js";
import { byId, ready, setText, show } from "./page.js";
import { isGood, readyRules } from "./passwords.js";
import { _ } from "./texts.js";

const form = byId("setup");
const password = form.elements.password;
const again = form.elements.again;
const problem = byId("setup-problem");
if (password) readyRules(password, form.querySelector("[data-password-rules]"));

async function examine(field) {
  const finding = byId(`${field.id}-finding`);
  const path = field.value.trim();
  if (!path) {
    delete finding.dataset.usable;
    setText(finding, field.id === "download_dir" ? _("Empty: downloads in the data folder.") : _("None for now."));
    return true;
  }
  try {
    const found = await post("/setup/folder", { path });
    if (field.value.trim() !== path) return true;
    finding.dataset.usable = String(found.usable);
    const free = found.usable && found.free_bytes !== null ? _("{size} free.", { size: size(found.free_bytes) }) : "";
    setText(finding, [found.message, free].filter(Boolean).join(" "));
    field.setAttribute("aria-invalid", String(!found.usable));
    return found.usable;
  } catch (error) {
    setText(finding, error.message);
    return false;
  }
}

for (const field of form.querySelectorAll("[data-folder]:not([readonly])")) {
  let timer = 0;
  field.addEventListener("input", () => {
    clearTimeout(timer);
    field.removeAttribute("aria-invalid");
    timer = setTimeout(() => examine(field), 350);
  });
  field.addEventListener("change", () => examine(field));
  if (field.value) examine(field);
}

function refuse(text, field) {
  setText(problem, text);
  show(problem, true);
  field?.focus();
}

function wishes() {
  const changes = {};
  for (const field of form.querySelectorAll("[data-folder]:not([readonly])")) {
    if (field.value.trim() === field.defaultValue) continue;
    changes[field.name] = field.value.trim() || (field.name === "library_dir" ? null : "");
  }
  for (const field of form.querySelectorAll("[data-key]:enabled")) {
    const isSecret = field.type === "password";
    if (isSecret ? field.value : field.value !== field.defaultValue) changes[field.name] = field.value.trim();
  }
  return changes;
}

form.addEventListener("submit", async (event) => {
  event.preventDefault();
  show(problem, false);
  const chosen = password?.value ?? "";
  if (chosen && !isGood(chosen)) return refuse(_("The password does not have everything it needs yet."), password);
  if (chosen && chosen !== again.value) return refuse(_("The two passwords differ."), again);
  for (const field of form.querySelectorAll("[data-folder]:not([readonly])")) {
    if (!(await examine(field))) return refuse(_("A folder cannot be used."), field);
  }
  const button = form.querySelector('[type="submit"]');
  button.disabled = true;
  button.setAttribute("aria-busy", "true");
  try {
    const changes = wishes();
    if (Object.keys(changes).length) await put("/api/settings", { settings: changes });
    if (chosen) {
      await post("/api/auth/setup", { master_password: chosen });
      await post("/api/auth/login", { password: chosen, remember: true });
    }
    location.assign(form.dataset.next);
  } catch (error) {
    refuse(error.message);
    button.disabled = false;
    button.removeAttribute("aria-busy");
  }
  return undefined;
});

ready();
