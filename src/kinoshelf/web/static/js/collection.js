// The collection: filters, order and look change the page in place; the list grows while one scrolls and forgets what
// lies far away. Everything it shows is made by the server, so a link and a press show the same.

import { post, remove } from "./api.js";
import { EndlessList } from "./endless.js";
import { readyKeys } from "./keys.js";
import { byId, element, icon, ready, readyDialog, root, setText, show, toast, url } from "./page.js";
import { watchPictures } from "./pictures.js";
import { _ } from "./texts.js";

const YEAR_SECONDS = 365 * 24 * 3600;
const TYPING_PAUSE_MS = 250;

let list = new EndlessList();
let reading = null;

function keep(name, value) {
  const path = root.dataset.base || "/";
  document.cookie = `${name}=${encodeURIComponent(value)}; path=${path}; max-age=${value ? YEAR_SECONDS : 0}; samesite=lax`;
}

// Changing what is shown

async function go(address, { isFollowing = false, isReplacing = false } = {}) {
  reading?.abort();
  reading = new AbortController();
  const { signal } = reading;
  byId("shelf").setAttribute("aria-busy", "true");
  let text;
  try {
    const answer = await fetch(address, { headers: { Accept: "text/html" }, credentials: "same-origin", signal });
    if (!answer.ok || answer.redirected) {
      location.assign(address);
      return;
    }
    text = await answer.text();
  } catch (error) {
    if (error.name === "AbortError") return;
    byId("shelf").removeAttribute("aria-busy");
    toast(_("The hub cannot be reached."), { isBad: true });
    return;
  }
  if (!isFollowing) history[isReplacing ? "replaceState" : "pushState"](null, "", address);
  take(new DOMParser().parseFromString(text, "text/html"), isFollowing);
}

function take(page, isFollowing) {
  const focused = document.activeElement?.id;
  const typed = document.activeElement === byId("search") ? byId("search") : null;
  const opened = new Map([...document.querySelectorAll(".facet")].map((one) => [one.id, one.open]));
  const isFilterOpen = byId("filters").hasAttribute("data-open");
  const unfolded = [...document.querySelectorAll(".facet[data-all]")].map((one) => one.id);
  const scrolled = byId("filters").scrollTop;
  const [caret, written] = typed ? [typed.selectionStart, typed.value] : [];
  list.end();
  for (const id of ["shelf", "columns-dialog", "views-dialog"]) byId(id).replaceWith(document.adoptNode(page.getElementById(id)));
  setText(byId("summary"), page.getElementById("summary").textContent);
  for (const [id, isOpen] of opened) if (byId(id)) byId(id).open = isOpen;
  for (const id of unfolded) if (byId(id)) unfold(byId(id));
  openFilters(isFilterOpen);
  byId("filters").scrollTop = scrolled;
  if (typed) {
    byId("search").value = written;
    byId("search").focus({ preventScroll: true });
    byId("search").setSelectionRange(caret, caret);
  } else if (focused) {
    byId(focused)?.focus({ preventScroll: true });
  }
  list = new EndlessList();
  readyParts();
  if (!isFollowing) scrollTo({ top: Math.min(scrollY, byId("shelf").offsetTop - 70), behavior: "instant" });
}

// On narrow screens the filters wait behind their button.
function openFilters(isOpen) {
  byId("filters").toggleAttribute("data-open", isOpen);
  byId("filters-open").setAttribute("aria-expanded", String(isOpen));
}

function unfold(facet) {
  facet.dataset.all = "";
  const button = facet.querySelector(".show-all");
  if (button) button.hidden = true;
}

const isPlain = (event) => !event.ctrlKey && !event.metaKey && !event.shiftKey && !event.altKey && event.button === 0;
const LINKS = ".facet a, .chip, .clear-all, .looks [data-look], #direction, .lines thead a, .from-start a, .empty a[href*='/collection']";

document.addEventListener("click", (event) => {
  const button = event.target.closest("button");
  if (button?.matches(".show-all")) {
    const facet = button.closest(".facet");
    unfold(facet);
    facet.querySelector(".further a")?.focus();
    return;
  }
  if (button?.id === "filters-open") openFilters(!byId("filters").hasAttribute("data-open"));
  const link = event.target.closest("a");
  if (!link?.matches(LINKS) || !isPlain(event) || !byId("shelf").contains(link)) return;
  event.preventDefault();
  if (link.dataset.look) keep("kinoshelf_look", link.dataset.look);
  go(link.href);
});

document.addEventListener("submit", (event) => {
  const form = event.target;
  if (!form.matches("#toolbar, .filter-form")) return;
  event.preventDefault();
  goTo(form);
});

function addressOf(form) {
  const query = new URLSearchParams();
  for (const [name, value] of new FormData(form)) if (value.trim()) query.set(name, value.trim());
  const text = query.toString();
  return form.getAttribute("action") + (text ? `?${text}` : "");
}

function goTo(form, options) {
  clearTimeout(typing);
  return go(addressOf(form), options);
}

let typing = 0;
document.addEventListener("input", (event) => {
  if (event.target.id !== "search") return;
  clearTimeout(typing);
  typing = setTimeout(() => goTo(byId("toolbar"), { isReplacing: true }), TYPING_PAUSE_MS);
});
document.addEventListener("change", (event) => {
  if (event.target.id === "order") goTo(byId("toolbar"));
});
addEventListener("popstate", () => go(location.href, { isFollowing: true }));

// Columns and saved views

function readyParts() {
  watchPictures(byId("shelf"));
  const columns = readyDialog(byId("columns-dialog"));
  byId("columns-open")?.addEventListener("click", () => columns.showModal());
  byId("columns-usual").addEventListener("click", () => {
    keep("kinoshelf_columns", "");
    columns.close();
    goWithout("columns");
  });
  columns.querySelector("form").addEventListener("submit", () => {
    keep("kinoshelf_columns", [...columns.querySelectorAll("input:checked")].map((box) => box.value).join("."));
    goWithout("columns");
  });
  const views = readyDialog(byId("views-dialog"));
  byId("views-open").addEventListener("click", () => views.showModal());
  byId("view-form").addEventListener("submit", saveView);
  byId("saved").addEventListener("click", deleteView);
}

function goWithout(name) {
  const address = new URL(location.href);
  address.searchParams.delete(name);
  address.searchParams.delete("after");
  go(address.href, { isReplacing: true });
}

// A view says everything, also what is usual here today.
function shownNow() {
  const query = new URL(location.href).searchParams;
  query.delete("after");
  const { look, columns } = byId("list")?.dataset ?? {};
  if (look) query.set("look", look);
  if (columns) query.set("columns", columns);
  return query.toString();
}

async function saveView(event) {
  event.preventDefault();
  const form = event.currentTarget;
  const name = form.elements.name.value.trim();
  const problem = byId("view-problem");
  show(problem, false);
  try {
    const made = await post("/ajax/views/", { name, query: shownNow() });
    const link = element("a", { href: `${url("/collection")}?${shownNow()}`, dir: "auto" }, name);
    const label = _("Delete the view {name}", { name });
    const button = element("button", { type: "button", class: "quiet", "data-delete-view": true, "aria-label": label, title: _("Delete") }, icon("trash-2"));
    byId("saved").append(element("li", { "data-view": (made.data ?? made).id }, link, button));
    show(byId("views-none"), false);
    form.reset();
    toast(_("The view {name} is kept", { name }));
  } catch (error) {
    setText(problem, error.message);
    show(problem, true);
  }
}

async function deleteView(event) {
  const button = event.target.closest("[data-delete-view]");
  if (!button) return;
  const row = button.closest("li");
  try {
    await remove(`/ajax/views/${row.dataset.view}/`);
    row.remove();
    show(byId("views-none"), !byId("saved").children.length);
    byId("view-form").elements.name.focus();
  } catch (error) {
    toast(error.message, { isBad: true });
  }
}

// Keys

const discs = () => [...document.querySelectorAll("#list .disc a")];

function step(by) {
  const all = discs();
  const here = all.indexOf(document.activeElement);
  const next = here < 0 ? all[0] : all[here + by];
  if (here < 0 && by < 0) return false;
  if (!next) return here >= 0;
  next.focus({ preventScroll: true });
  next.scrollIntoView({ block: "nearest" });
  return true;
}

const across = () => {
  const grid = document.querySelector("#list .grid");
  return grid ? getComputedStyle(grid).gridTemplateColumns.split(" ").length : 1;
};
const isOnDisc = () => Boolean(document.activeElement?.closest?.("#list .disc"));

readyKeys({
  "/": () => byId("search").select(),
  j: () => step(1),
  k: () => step(-1),
  ArrowRight: () => isOnDisc() && step(1),
  ArrowLeft: () => isOnDisc() && step(-1),
  ArrowDown: () => isOnDisc() && step(across()),
  ArrowUp: () => isOnDisc() && step(-across()),
  v: () => byId("views-dialog").showModal(),
  g: () => document.querySelector(".looks [data-look]:not([aria-current])").click(),
  e: () => byId("edit-these").click(),
  Escape: () => (document.activeElement === byId("search") ? byId("search").blur() : false),
});

readyParts();
ready();
