// One import, or one pasted list: its job is watched, its rows are chosen, it is run, cancelled and taken back.

import { get, post } from "./api.js";
import { batchOf } from "./batch.js";
import { byId, ready, readyDialog, setText, show, toast } from "./page.js";
import { part } from "./part.js";
import { readySuggestions } from "./suggest.js";

const LOOK_MS = 800;
const work = byId("work");
const { id } = work.dataset;
const address = `/ajax/imports/${id}`;

async function look() {
  try {
    const found = await get(`/import/${id}/progress`);
    if (!found.is_busy) {
      location.reload();
      return;
    }
    byId("work-bar").max = found.total || 1;
    byId("work-bar").value = found.done;
    setText(byId("work-said"), found.message);
  } catch (error) {
    if (error.status === 401) return;
    setText(byId("work-said"), error.message);
  }
  setTimeout(look, LOOK_MS);
}
if ("busy" in work.dataset) setTimeout(look, LOOK_MS);

async function act(button, path, body) {
  button.disabled = true;
  try {
    await post(`${address}/${path}/`, body);
    location.reload();
  } catch (error) {
    button.disabled = false;
    toast(error.message, { isBad: true });
  }
}

byId("cancel")?.addEventListener("click", ({ currentTarget }) => act(currentTarget, "cancel"));
for (const button of work.querySelectorAll("[data-act]")) button.addEventListener("click", () => act(button, button.dataset.act));

const undoing = readyDialog(byId("undo-dialog"));
byId("undo-open")?.addEventListener("click", () => {
  undoing.returnValue = "";
  undoing.showModal();
});
undoing.addEventListener("close", () => {
  if (undoing.returnValue === "undo") act(byId("undo-open"), "undo");
});

// Options of a preview

const options = byId("options-form");
if (options) {
  readySuggestions(options);
  options.addEventListener("submit", async (event) => {
    event.preventDefault();
    const { on_match: onMatch, skip_existing: skipExisting } = options.elements;
    const wanted = onMatch ? onMatch.value : skipExisting.checked ? "skip" : "copy";
    try {
      await post(`${address}/options/`, { on_match: wanted, defaults: batchOf(options) });
      location.reload();
    } catch (error) {
      setText(byId("options-problem"), error.message);
      show(byId("options-problem"), true);
    }
  });
}

// Rows

byId("rows").addEventListener("click", (event) => {
  const button = event.target.closest("[data-skip]");
  if (button) act(button, "skip", { line: Number(button.closest("[data-line]").dataset.line), skip: button.dataset.skip === "true" });
  const other = event.target.closest("[data-films]");
  if (other) openFilms(other);
});

// The film of a line of a pasted list

const films = byId("films-dialog") && readyDialog(byId("films-dialog"));
let line = 0;

function openFilms(button) {
  line = Number(button.dataset.films);
  setText(byId("films-written"), button.dataset.written);
  byId("films-form").reset();
  byId("films-form").elements.q.value = button.dataset.title;
  byId("films-found").replaceChildren();
  films.showModal();
  readFilms({});
}

async function readFilms(query) {
  show(byId("films-problem"), false);
  byId("films-found").setAttribute("aria-busy", "true");
  try {
    byId("films-found").replaceChildren(...(await part(`/add/list/${id}/${line}/films`, query)));
  } catch (error) {
    setText(byId("films-problem"), error.message);
    show(byId("films-problem"), true);
  }
  byId("films-found").removeAttribute("aria-busy");
}

byId("films-form")?.addEventListener("submit", (event) => {
  event.preventDefault();
  const { q, year } = event.currentTarget.elements;
  readFilms({ q: q.value, year: year.value });
});
films?.addEventListener("click", async (event) => {
  const button = event.target.closest("[data-choose]");
  if (!button) return;
  const { choose, name, year } = button.dataset;
  button.disabled = true;
  try {
    const film = choose ? { tmdb_id: Number(choose), name, year: Number(year) || null } : { tmdb_id: null };
    await post(`${address}/choose/`, { line, ...film });
    location.reload();
  } catch (error) {
    button.disabled = false;
    setText(byId("films-problem"), error.message);
    show(byId("films-problem"), true);
  }
});

ready();
