// The form of one disc: what was changed is sent, what is wrong is said at its field.

import { patch, post } from "./api.js";
import { byId, ready, sayNext, setText, show, toast } from "./page.js";
import { readySuggestions } from "./suggest.js";
import { _ } from "./texts.js";

const form = byId("disc-form");
const fields = [...form.querySelectorAll("[data-field]")].map((row) => form.elements[row.dataset.field]);
const read = (field) => (field.type === "checkbox" ? field.checked : field.value.trim());
const before = new Map(fields.map((field) => [field.name, read(field)]));
let isSaved = false;

readySuggestions(form);

function changes() {
  const changed = fields.filter((field) => read(field) !== before.get(field.name));
  return Object.fromEntries(changed.map((field) => [field.name, read(field) === "" ? null : read(field)]));
}

function problemAt(name, text) {
  const line = byId(`${name}-problem`);
  if (!line) return false;
  setText(line, text);
  if (text) form.elements[name].setAttribute("aria-invalid", "true");
  else form.elements[name].removeAttribute("aria-invalid");
  return true;
}

// Only unboxed discs have a place of their own.
function drawLocation() {
  show(form.querySelector('[data-field="location"]'), form.elements.status.value === "unboxed");
}

form.addEventListener("input", ({ target }) => {
  if (target.name) problemAt(target.name, "");
  show(byId("form-problem"), false);
});
form.elements.status.addEventListener("change", drawLocation);

form.addEventListener("submit", async (event) => {
  event.preventDefault();
  const values = changes();
  // An empty place asks for the next free number.
  if (values.location === null) delete values.location;
  const button = form.querySelector('[type="submit"]');
  for (const field of fields) problemAt(field.name, "");
  if (!Object.keys(values).length) {
    location.assign(form.dataset.shown);
    return;
  }
  button.disabled = true;
  try {
    await patch(`/dvd/${form.dataset.id}/`, values);
    isSaved = true;
    sayNext(_("Saved"));
    location.assign(form.dataset.shown);
  } catch (error) {
    button.disabled = false;
    const problems = error.body?.errors ?? [];
    const left = problems.filter(({ field, message }) => !problemAt(field, sentence(message)));
    const first = fields.find((field) => field.getAttribute("aria-invalid") === "true");
    first?.focus();
    setText(byId("form-problem"), first && !left.length ? _("Not saved: look at the marked fields.") : error.message);
    show(byId("form-problem"), true);
  }
});

const sentence = (text) => `${text.charAt(0).toUpperCase()}${text.slice(1)}${/[.!?]$/.test(text) ? "" : "."}`;

form.addEventListener("click", async (event) => {
  const button = event.target.closest("[data-unlock]");
  if (!button) return;
  const mark = button.closest("[data-lock]");
  try {
    await post(`/dvd/${form.dataset.id}/unlock`, { fields: [mark.dataset.lock] });
    show(mark, false);
    toast(_("A refresh may write this again"));
    form.elements[mark.dataset.lock].focus();
  } catch (error) {
    toast(error.message, { isBad: true });
  }
});

addEventListener("beforeunload", (event) => {
  if (!isSaved && Object.keys(changes()).length) event.preventDefault();
});

drawLocation();
ready();
