// The table of many discs: walked with the arrows, changed cell by cell or all that is selected at once. Every change is
// saved when it is made; the last column says what came of it.

import { call, get, patch, post } from "./api.js";
import { byId, element, icon, ready, readyDialog, setText, show, toast } from "./page.js";
import { readySuggestions } from "./suggest.js";
import { _, ngettext } from "./texts.js";

const { fields, applied } = JSON.parse(byId("bulk-start").textContent);
const table = byId("bulk-table");
const bar = byId("apply");
const rows = () => [...(table?.tBodies[0].rows ?? [])];
const nameOf = (row) => row.querySelector("th a").textContent;
const boxOf = (row) => row.querySelector(".pick-cell input");
const selected = () => rows().filter((row) => row.getAttribute("aria-selected") === "true");
const PAGE_ROWS = 12;
let anchor = null;

// Cells

function textOf(field, value) {
  const { kind, choices } = fields[field];
  if (kind === "choice") return choices[value] ?? value;
  return Array.isArray(value) ? value.join(", ") : String(value ?? "");
}

function draw(row, disc) {
  for (const cell of row.querySelectorAll("[data-field]")) {
    const { field } = cell.dataset;
    const value = disc[field];
    cell.dataset.value = String(value ?? "");
    if (fields[field].kind === "boolean") {
      const word = element("span", { class: "visually-hidden" }, value ? _("Yes") : _("No"));
      cell.replaceChildren(...(value ? [icon("check"), word] : [word]));
    } else {
      setText(cell, textOf(field, value));
    }
  }
}

function result(row, text, isGood) {
  const cell = row.querySelector(".result");
  cell.dataset.good = String(isGood);
  setText(cell, text);
}

async function save(row, field, value) {
  result(row, "…", true);
  try {
    draw(row, await patch(`/dvd/${row.dataset.id}/`, { [field]: value }));
    result(row, _("Saved"), true);
    return true;
  } catch (error) {
    result(row, error.message, false);
    setText(byId("announce"), `${nameOf(row)}: ${error.message}`);
    return false;
  }
}

function control(field, value, attributes = {}) {
  const { kind, choices, suggest, most, label } = fields[field];
  const common = { "aria-label": label, ...attributes };
  if (kind === "choice" || kind === "boolean") {
    const offered = kind === "boolean" ? { true: _("Yes"), false: _("No") } : field === "condition" ? { "": "–", ...choices } : choices;
    const select = element("select", common, ...Object.entries(offered).map(([one, text]) => element("option", { value: one }, text)));
    select.value = value;
    return [select];
  }
  const list = suggest ? `${field}-offered-${attributes.id ?? "cell"}` : null;
  const input = element("input", { ...common, maxlength: most, autocomplete: "off", list, "data-suggest": suggest || null, dir: "auto" });
  input.value = value;
  return suggest ? [input, element("datalist", { id: list })] : [input];
}

function edit(cell, typed) {
  if (cell.matches(".editing")) return;
  const { field } = cell.dataset;
  const row = cell.parentElement;
  const before = cell.dataset.value;
  if (fields[field].kind === "boolean") {
    save(row, field, before !== "true");
    return;
  }
  const kept = [...cell.childNodes];
  const parts = control(field, typed ?? before);
  const [input] = parts;
  cell.classList.add("editing");
  cell.replaceChildren(...parts);
  readySuggestions(cell);
  input.focus();
  if (typed === undefined) input.select?.();
  let isOver = false;
  const leave = (isKept, step) => {
    if (isOver) return;
    isOver = true;
    const value = input.value.trim();
    const hadFocus = cell.contains(document.activeElement);
    cell.classList.remove("editing");
    cell.replaceChildren(...kept);
    if (hadFocus) focus(cell);
    if (isKept && value !== before) save(row, field, value);
    step?.();
  };
  input.addEventListener("keydown", (event) => {
    event.stopPropagation();
    if (event.key === "Escape") leave(false);
    else if (event.key === "Enter") leave(true, () => move(0, 1));
    else if (event.key === "Tab") leave(true, () => move(event.shiftKey ? -1 : 1, 0));
    else return;
    event.preventDefault();
  });
  input.addEventListener("blur", () => leave(true));
  if (input.matches("select")) input.addEventListener("change", () => leave(true));
}

// Walking

const walked = (row) => [...row.cells].filter((cell) => cell.matches("th, [data-field]"));

function focus(cell) {
  for (const one of table.querySelectorAll('[tabindex="0"]:is(td, th)')) one.tabIndex = -1;
  cell.tabIndex = 0;
  cell.focus({ preventScroll: true });
  cell.scrollIntoView({ block: "nearest", inline: "nearest" });
}

function move(across, down) {
  const cell = document.activeElement.closest("td, th");
  const row = cell?.parentElement;
  if (!row) return null;
  const all = rows();
  const target = all[Math.max(0, Math.min(all.indexOf(row) + down, all.length - 1))];
  const cells = walked(row);
  const at = Math.max(0, Math.min(cells.indexOf(cell) + across, cells.length - 1));
  focus(walked(target)[at]);
  return target;
}

// Selecting

function pick(row, isPicked) {
  row.setAttribute("aria-selected", String(isPicked));
  boxOf(row).checked = isPicked;
}

function pickUntil(row, isPicked) {
  const all = rows();
  const [from, to] = [all.indexOf(anchor ?? row), all.indexOf(row)].sort((a, b) => a - b);
  for (const one of all.slice(from, to + 1)) pick(one, isPicked);
}

function drawSelection() {
  const { length } = selected();
  const all = rows().length;
  show(bar, length > 0);
  if (length) setText(byId("apply-count"), ngettext("{n} disc selected", "{n} discs selected", length));
  byId("pick-page").checked = length > 0 && length === all;
  byId("pick-page").indeterminate = length > 0 && length < all;
}

function clear() {
  for (const row of selected()) pick(row, false);
  anchor = null;
  drawSelection();
}

function pickAll(isPicked) {
  for (const row of rows()) pick(row, isPicked);
  drawSelection();
}

// What the keys and the pointer do in the table

function pressed(event) {
  const cell = event.target.closest("td, th");
  const row = cell?.closest("tbody tr");
  if (!row || event.altKey || event.target.closest("input, select")) return;
  const isControl = event.ctrlKey || event.metaKey;
  const keys = {
    ArrowLeft: () => move(-1, 0),
    ArrowRight: () => move(1, 0),
    ArrowUp: () => walk(-1),
    ArrowDown: () => walk(1),
    PageUp: () => move(0, -PAGE_ROWS),
    PageDown: () => move(0, PAGE_ROWS),
    Home: () => move(-99, isControl ? -9999 : 0),
    End: () => move(99, isControl ? 9999 : 0),
    Enter: () => (cell.matches("th") ? cell.querySelector("a").click() : edit(cell)),
    F2: () => cell.matches("[data-field]") && edit(cell),
    " ": () => {
      if (event.shiftKey) pickUntil(row, true);
      else pick(row, row.getAttribute("aria-selected") !== "true");
      anchor = row;
      drawSelection();
    },
    Delete: () => selected().length && askToDelete(),
    Escape: clear,
  };
  const walk = (down) => {
    if (!event.shiftKey) return move(0, down);
    anchor ??= row;
    pick(row, true);
    const next = move(0, down);
    if (next) pick(next, true);
    drawSelection();
    return next;
  };
  if (isControl && event.key.toLowerCase() === "a") pickAll(true);
  else if (isControl && !["Home", "End"].includes(event.key)) return;
  else if (keys[event.key]) keys[event.key]();
  else if (event.key.length === 1 && event.key !== "?" && cell.matches("[data-field]") && fields[cell.dataset.field].kind === "text") edit(cell, event.key);
  else return;
  event.preventDefault();
}

if (table) {
  table.addEventListener("keydown", pressed);
  table.addEventListener("click", (event) => {
    const row = event.target.closest("tbody tr");
    if (!row) return;
    if (event.target === boxOf(row)) {
      if (event.shiftKey) pickUntil(row, event.target.checked);
      else pick(row, event.target.checked);
      anchor = row;
      drawSelection();
      return;
    }
    const cell = event.target.closest("[data-field]");
    if (cell && !cell.matches(".editing")) {
      focus(cell);
      edit(cell);
    }
  });
  byId("pick-page").addEventListener("change", (event) => pickAll(event.target.checked));
  byId("help-open").addEventListener("click", () => byId("help-dialog").showModal());
}
document.addEventListener("keydown", (event) => {
  if (event.key !== "?" || event.target.closest("input, select, textarea") || document.querySelector("dialog[open]")) return;
  byId("help-dialog").showModal();
  event.preventDefault();
});
for (const select of document.querySelectorAll("#bulk-tools select")) select.addEventListener("change", () => select.form.requestSubmit());
readyDialog(byId("help-dialog"));

// All that is selected

function drawValue() {
  const field = byId("apply-name").value;
  byId("apply-value").replaceChildren(...control(field, fields[field].kind === "boolean" ? "true" : "", { id: "apply-to" }));
  readySuggestions(byId("apply-value"));
  if (fields[field].kind === "choice") byId("apply-value").firstElementChild.selectedIndex = 0;
}
byId("apply-name").append(...applied.map((name) => element("option", { value: name }, fields[name].label)));
byId("apply-name").addEventListener("change", drawValue);
drawValue();

byId("apply-form").addEventListener("submit", async (event) => {
  event.preventDefault();
  const chosen = selected();
  const field = byId("apply-name").value;
  const value = byId("apply-value").firstElementChild.value.trim();
  const button = bar.querySelector('[type="submit"]');
  button.disabled = true;
  try {
    const ids = chosen.map((row) => Number(row.dataset.id));
    const answer = await post("/ajax/bulk-update-dvds/", { ids, values: { [field]: value } });
    const refused = new Map((answer.refused ?? []).map(({ id, message }) => [String(id), message]));
    for (const row of chosen) {
      const why = refused.get(row.dataset.id);
      result(row, why ?? _("Saved"), !why);
    }
    await readAgain(chosen);
    const good = chosen.length - refused.size;
    toast(ngettext("{n} disc changed", "{n} discs changed", good));
    if (refused.size) toast(ngettext("{n} disc could not be changed: its row says why", "{n} discs could not be changed: their rows say why", refused.size), { isBad: true });
  } catch (error) {
    toast(error.message, { isBad: true });
  } finally {
    button.disabled = false;
  }
});

const READ_AT_ONCE = 200;

async function readAgain(chosen) {
  for (let begin = 0; begin < chosen.length; begin += READ_AT_ONCE) {
    const part = new Map(chosen.slice(begin, begin + READ_AT_ONCE).map((row) => [row.dataset.id, row]));
    const { data } = await get("/dvd/", { ids: [...part.keys()].join(","), limit: READ_AT_ONCE });
    for (const disc of data) if (part.has(String(disc.id))) draw(part.get(String(disc.id)), disc);
  }
}

// Deleting

const deleting = readyDialog(byId("delete-dialog"));
byId("apply-clear").addEventListener("click", clear);
byId("apply-delete").addEventListener("click", () => askToDelete());

function askToDelete() {
  const chosen = selected();
  setText(byId("delete-title"), ngettext("Delete {n} disc?", "Delete {n} discs?", chosen.length));
  const names = chosen.slice(0, 5).map(nameOf).join(", ");
  setText(byId("delete-names"), chosen.length > 5 ? _("{names} and more", { names }) : names);
  deleting.returnValue = "";
  deleting.showModal();
}
deleting.addEventListener("close", async () => {
  if (deleting.returnValue !== "delete") return;
  const chosen = selected();
  try {
    await call("POST", "/ajax/delete-dvds/", { body: { ids: chosen.map((row) => Number(row.dataset.id)) } });
    toast(ngettext("{n} disc deleted", "{n} discs deleted", chosen.length));
    const next = chosen.at(-1).nextElementSibling ?? chosen[0].previousElementSibling;
    for (const row of chosen) row.remove();
    drawSelection();
    if (!rows().length) location.reload();
    else focus(walked(next?.isConnected ? next : rows()[0])[0]);
  } catch (error) {
    toast(error.message, { isBad: true });
  }
});

ready();
