// Searching a film while its title is typed; what is found is what the page without script would show.

import { post } from "./api.js";
import { byId, element, icon, ready, setText, show, toast } from "./page.js";
import { part } from "./part.js";
import { _, ngettext } from "./texts.js";

const TYPING_PAUSE_MS = 250;
const FEWEST = 2;
const form = byId("film-search");
const films = byId("films");
let typing = 0;
let asking = null;

function asked() {
  return Object.fromEntries([...new FormData(form)].map(([name, value]) => [name, value.trim()]));
}

async function search() {
  clearTimeout(typing);
  asking?.abort();
  const query = asked();
  if (query.q.length < FEWEST) {
    films.replaceChildren();
    show(byId("films-hint"), true);
    return;
  }
  asking = new AbortController();
  films.setAttribute("aria-busy", "true");
  try {
    films.replaceChildren(...(await part(form.dataset.part, query, { signal: asking.signal })));
    const { length } = films.querySelectorAll(".hit");
    setText(byId("films-said"), length ? ngettext("{n} film found", "{n} films found", length) : films.textContent.trim());
    show(byId("films-hint"), false);
    history.replaceState(null, "", `${form.getAttribute("action")}?${new URLSearchParams(query)}`);
    films.removeAttribute("aria-busy");
  } catch (error) {
    if (error.name === "AbortError") return;
    films.removeAttribute("aria-busy");
    toast(error.message, { isBad: true });
  }
}

form?.addEventListener("submit", (event) => {
  event.preventDefault();
  search();
});
form?.addEventListener("input", () => {
  clearTimeout(typing);
  typing = setTimeout(search, TYPING_PAUSE_MS);
});
// From the field down into what was found, and back.
document.addEventListener("keydown", (event) => {
  if (event.key !== "ArrowDown" && event.key !== "ArrowUp") return;
  const links = [...films?.querySelectorAll(".hit-main") ?? []];
  const at = links.indexOf(document.activeElement);
  const isIn = document.activeElement === byId("q");
  if (at < 0 && !isIn) return;
  const next = event.key === "ArrowDown" ? at + 1 : at - 1;
  (next < 0 ? byId("q") : links[Math.min(next, links.length - 1)])?.focus();
  event.preventDefault();
});

films?.addEventListener("click", async (event) => {
  const button = event.target.closest("[data-wish]");
  if (!button) return;
  button.disabled = true;
  try {
    const { message } = await post("/ajax/wishes/", { tmdb_id: Number(button.dataset.wish) });
    toast(message);
    button.replaceWith(element("p", { class: "owned" }, icon("star"), _("On the wish list")));
  } catch (error) {
    button.disabled = false;
    toast(error.message, { isBad: true });
  }
});

ready();
