// The page of one disc: its poster, its match, its loan, its torrents. What changed is shown by the server again.

import { get, post, Refused, remove } from "./api.js";
import { copy } from "./drawer.js";
import { byId, element, ready, readyDialog, sayNext, setText, show, toast, url } from "./page.js";
import { watchPictures } from "./pictures.js";
import { readySuggestions } from "./suggest.js";
import { _ } from "./texts.js";

const disc = byId("disc").dataset;
const dialogs = Object.fromEntries(["poster", "match", "lend", "delete"].map((name) => [name, readyDialog(byId(`${name}-dialog`))]));

function again(text) {
  sayNext(text);
  location.reload();
}
// A press that asks the hub: the button waits, what went wrong is said.
function press(id, act) {
  const button = byId(id);
  button?.addEventListener("click", async () => {
    button.disabled = true;
    button.setAttribute("aria-busy", "true");
    try {
      await act();
    } catch (error) {
      toast(error.message, { isBad: true });
      button.disabled = false;
      button.removeAttribute("aria-busy");
    }
  });
}

press("fetch-imdb", async () => {
  const { imdb_id: found } = await post(`/ajax/fetch-imdb-id/${disc.id}/`);
  again(_("The IMDb id is {id}", { id: found }));
});
press("torrents-refresh", async () => {
  await post(`/ajax/refresh-torrents/${disc.id}/`);
  again(_("YTS was asked"));
});
press("give-back", async () => {
  await post("/ajax/return-dvd/", { dvd_id: Number(disc.id) });
  again(_("Welcome back"));
});
press("copy-add", async () => {
  // With its name it is added also while TMDB cannot be asked.
  const values = { name: disc.name, release_year: Number(disc.year) || null, tmdb_id: Number(disc.tmdb) || null };
  const made = await post("/dvd/", values);
  location.assign(url(`/dvd/${(made.data ?? made).id}/edit/`));
});

for (const button of document.querySelectorAll("[data-copy]")) button.addEventListener("click", () => copy(button.dataset.copy));

// Where the list was, as it was.
byId("back").addEventListener("click", (event) => {
  if (document.referrer.startsWith(new URL(url("/collection"), location.href).href) && history.length > 1) {
    event.preventDefault();
    history.back();
  }
});

// Poster

let areAsked = false;

async function askPosters() {
  if (areAsked || !disc.tmdb || !("canAsk" in disc)) return;
  areAsked = true;
  setText(byId("posters-said"), _("Asking TMDB …"));
  try {
    const found = await get(`/dvd/${disc.id}/posters`);
    setText(byId("posters-said"), found.length ? "" : _("TMDB has no poster of this film."));
    byId("posters").replaceChildren(...found.map(posterOf));
  } catch (error) {
    areAsked = false;
    setText(byId("posters-said"), error.message);
  }
}

function picture(address) {
  const frame = element("span", { class: "poster" });
  if (address) {
    const image = element("img", { src: `${address}?wait=10`, alt: "", loading: "lazy", decoding: "async" });
    frame.append(image);
  }
  return frame;
}

function posterOf({ file_path: path, picture: address, language, width, height }) {
  const words = [language, `${width} × ${height}`].join(", ");
  const button = element("button", { type: "button", "aria-label": _("Take this poster: {facts}", { facts: words }) }, picture(address), language);
  button.addEventListener("click", async () => {
    try {
      await post(`/ajax/choose-poster/${disc.id}/`, { file_path: path });
      again(_("The poster is changed"));
    } catch (error) {
      problem("poster-problem", error.message);
    }
  });
  return element("li", {}, button);
}

function problem(id, text) {
  setText(byId(id), text);
  show(byId(id), Boolean(text));
}

byId("poster-open").addEventListener("click", () => {
  dialogs.poster.showModal();
  askPosters();
});
byId("poster-form").addEventListener("submit", async (event) => {
  event.preventDefault();
  const form = event.currentTarget;
  problem("poster-problem", "");
  const button = form.querySelector("button");
  button.disabled = true;
  try {
    await upload(`/ajax/upload-poster/${disc.id}/`, new FormData(form));
    again(_("The poster is changed"));
  } catch (error) {
    problem("poster-problem", error.message);
    button.disabled = false;
  }
});

async function upload(path, body) {
  const answer = await fetch(url(path), { method: "POST", body, headers: { Accept: "application/json" }, credentials: "same-origin" });
  if (answer.ok) return;
  const found = await answer.json().catch(() => null);
  throw new Refused(answer.status, found?.message || _("The hub answered {status}.", { status: answer.status }), found);
}

// Match

byId("match-open").addEventListener("click", () => {
  dialogs.match.showModal();
  byId("match-form").elements.q.select();
  if (!byId("films").children.length) searchFilms();
});
byId("match-form").addEventListener("submit", (event) => {
  event.preventDefault();
  searchFilms();
});

async function searchFilms() {
  const { q, year } = byId("match-form").elements;
  problem("match-problem", "");
  setText(byId("match-said"), _("Asking TMDB …"));
  byId("films").replaceChildren();
  const number = /^\s*(?:https?:\/\/\S+\/movie\/)?(\d{1,9})\b/.exec(q.value);
  try {
    const found = await get("/collection/films", { q: q.value, year: year.value });
    const films = found.map((film) => filmOf(film));
    if (number) films.unshift(filmOf({ id: Number(number[1]), title: _("The film with the TMDB number {number}", { number: number[1] }), overview: "" }));
    setText(byId("match-said"), films.length ? "" : _("TMDB knows no film of that title."));
    byId("films").replaceChildren(...films);
  } catch (error) {
    setText(byId("match-said"), "");
    problem("match-problem", error.message);
  }
}

function filmOf(film) {
  const heading = film.year ? `${film.title} (${film.year})` : film.title;
  const facts = element("span", {}, element("strong", { dir: "auto" }, heading), film.original_title ? element("span", { class: "hint", dir: "auto" }, film.original_title) : null, element("span", { class: "hint", dir: "auto" }, film.overview));
  const button = element("button", { type: "button" }, picture(film.picture), facts);
  button.addEventListener("click", async () => {
    button.setAttribute("aria-busy", "true");
    try {
      await post(`/ajax/fix-match/${disc.id}/`, { tmdb_id: film.id });
      again(_("The film is {name} now", { name: heading }));
    } catch (error) {
      button.removeAttribute("aria-busy");
      problem("match-problem", error.message);
    }
  });
  return element("li", {}, button);
}

// Loan

byId("lend-open")?.addEventListener("click", () => dialogs.lend.showModal());
readySuggestions(dialogs.lend);
byId("lend-form").addEventListener("submit", async (event) => {
  event.preventDefault();
  const { borrower, due_on: due } = event.currentTarget.elements;
  const line = dialogs.lend.querySelector(".dialog-problem");
  try {
    await post("/ajax/lend-dvd/", { dvd_id: Number(disc.id), borrower: borrower.value, due_on: due.value || null });
    again(_("Lent to {name}", { name: borrower.value }));
  } catch (error) {
    setText(line, error.message);
    show(line, true);
  }
});

// Delete

byId("delete-open").addEventListener("click", () => {
  dialogs.delete.returnValue = "";
  dialogs.delete.showModal();
});
dialogs.delete.addEventListener("close", async () => {
  if (dialogs.delete.returnValue !== "delete") return;
  try {
    await remove(`/dvd/${disc.id}/`);
    sayNext(_("{name} is deleted", { name: disc.name }));
    location.replace(url("/collection"));
  } catch (error) {
    toast(error.message, { isBad: true });
  }
});

watchPictures(document);
ready();
