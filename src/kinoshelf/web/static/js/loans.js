// Loans: a disc is searched and lent, its loan changed, its return written down.

import { get, patch, post } from "./api.js";
import { byId, element, ready, readyDialog, sayNext, setText, show, toast } from "./page.js";
import { readySuggestions } from "./suggest.js";
import { _, ngettext } from "./texts.js";

const TYPING_PAUSE_MS = 200;
const dialog = readyDialog(byId("lend-dialog"));
const form = byId("lend-form");
const problem = form.querySelector(".problem");
let loan = null;
let typing = 0;

readySuggestions(form);

function open(row) {
  loan = row?.dataset.id ?? null;
  form.reset();
  show(problem, false);
  show(byId("lend-disc"), !row);
  setText(byId("lend-title"), row ? _("Change the loan") : _("Lend a disc"));
  byId("lend-found").replaceChildren();
  byId("lend-search").value = "";
  if (row) {
    form.elements.borrower.value = row.dataset.borrower;
    form.elements.due_on.value = row.dataset.due;
    form.elements.notes.value = row.dataset.notes;
  }
  dialog.showModal();
  (row ? form.elements.borrower : byId("lend-search")).focus();
}

async function search() {
  const words = byId("lend-search").value.trim();
  if (!words) {
    byId("lend-found").replaceChildren();
    return;
  }
  try {
    const { data } = await get("/dvd/", { search: words, on_loan: "false", limit: 8, order: "name" });
    setText(byId("lend-said"), ngettext("{n} disc found", "{n} discs found", data.length));
    byId("lend-found").replaceChildren(...data.map(choice));
  } catch (error) {
    setText(byId("lend-said"), error.message);
  }
}

function choice(disc, at) {
  const box = element("input", { type: "radio", name: "dvd_id", value: disc.id, checked: at === 0 });
  const facts = [disc.release_year, disc.storage_box || disc.location].filter(Boolean).join(" · ");
  return element("li", {}, element("label", {}, box, element("span", { dir: "auto" }, disc.name), element("span", { class: "hint" }, facts)));
}

byId("lend-search").addEventListener("input", () => {
  clearTimeout(typing);
  typing = setTimeout(search, TYPING_PAUSE_MS);
});
byId("lend-search").addEventListener("keydown", (event) => {
  if (event.key !== "Enter") return;
  event.preventDefault();
  search();
});
byId("lend-open").addEventListener("click", () => open(null));

form.addEventListener("submit", async (event) => {
  event.preventDefault();
  const { borrower, due_on: due, notes } = form.elements;
  const values = { borrower: borrower.value, due_on: due.value, notes: notes.value };
  const chosen = form.querySelector('[name="dvd_id"]:checked');
  try {
    if (loan) await patch(`/ajax/loans/${loan}/`, values);
    else if (chosen) sayNext((await post("/ajax/lend-dvd/", { ...values, dvd_id: Number(chosen.value) })).message);
    else throw new Error(_("Search the disc and choose it first."));
    location.reload();
  } catch (error) {
    setText(problem, error.message);
    show(problem, true);
  }
});

byId("loans")?.addEventListener("click", async (event) => {
  const button = event.target.closest("button");
  if (!button) return;
  const row = button.closest("tr");
  if ("edit" in button.dataset) {
    open(row);
    return;
  }
  button.disabled = true;
  try {
    sayNext((await post("/ajax/return-dvd/", { dvd_id: Number(row.dataset.disc) })).message);
    location.reload();
  } catch (error) {
    button.disabled = false;
    toast(error.message, { isBad: true });
  }
});

ready();
