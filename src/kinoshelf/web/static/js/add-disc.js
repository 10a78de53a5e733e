// The form of a new disc. Facts that stay as TMDB has them are not sent: a refresh may change them later.

import { get, post } from "./api.js";
import { fieldsOf, problemAt, read, sentence, showProblems } from "./disc-fields.js";
import { byId, ready, sayNext, show, url } from "./page.js";
import { part } from "./part.js";
import { readySuggestions } from "./suggest.js";
import { _ } from "./texts.js";

const TYPING_PAUSE_MS = 300;
const form = byId("add-form");
const fields = fieldsOf(form);
const before = new Map(fields.map((field) => [field.name, read(field)]));
// About the copy, not the film: sent whenever something stands there.
const isFact = (field) => Boolean(form.dataset.tmdb) && Boolean(field.closest(".more-fields"));
let isSaved = false;
let typing = 0;

readySuggestions(form);
form.elements.location.placeholder = form.dataset.free;

function values() {
  const found = form.dataset.tmdb ? { tmdb_id: Number(form.dataset.tmdb) } : {};
  for (const field of fields) {
    const value = read(field);
    const isUsed = isFact(field) ? value !== before.get(field.name) : value !== "" && value !== false;
    if (isUsed) found[field.name] = value === "" ? null : value;
  }
  // An empty place asks for the next free number; discs in boxes have none.
  if (found.status !== "unboxed") delete found.location;
  return found;
}

function drawLocation() {
  show(form.querySelector('[data-field="location"]'), form.elements.status.value === "unboxed");
}

async function checkLocation() {
  const { value } = form.elements.location;
  if (!value.trim()) return;
  try {
    const { available, message } = await get("/ajax/check-location/", { location: value });
    problemAt(form, "location", available ? "" : sentence(message));
  } catch {
    // Saving says it, too.
  }
}

async function lookForCopies() {
  try {
    byId("copies").replaceChildren(...(await part("/add/copies", { name: form.elements.name.value, year: form.elements.release_year.value })));
  } catch {
    byId("copies").replaceChildren();
  }
}

form.addEventListener("input", ({ target }) => {
  if (target.name) problemAt(form, target.name, "");
  show(byId("form-problem"), false);
  if (!["name", "release_year", "location"].includes(target.name)) return;
  clearTimeout(typing);
  if (target.name === "location") typing = setTimeout(checkLocation, TYPING_PAUSE_MS);
  else if (!form.dataset.tmdb) typing = setTimeout(lookForCopies, TYPING_PAUSE_MS);
});
form.elements.status.addEventListener("change", drawLocation);

form.addEventListener("submit", async (event) => {
  event.preventDefault();
  for (const field of fields) problemAt(form, field.name, "");
  const buttons = form.querySelectorAll('[type="submit"]');
  for (const button of buttons) button.disabled = true;
  try {
    const made = await post(form.dataset.wish ? `/ajax/wishes/${form.dataset.wish}/fulfil/` : "/dvd/", values());
    isSaved = true;
    sayNext(made.note ? sentence(made.note) : _("{name} is on the shelf", { name: made.name }));
    location.assign(event.submitter?.value === "another" ? form.dataset.next : url(`/dvd/${made.id}/`));
  } catch (error) {
    for (const button of buttons) button.disabled = false;
    showProblems(form, fields, error);
  }
});

addEventListener("beforeunload", (event) => {
  if (!isSaved && fields.some((field) => read(field) !== before.get(field.name))) event.preventDefault();
});

drawLocation();
ready();
