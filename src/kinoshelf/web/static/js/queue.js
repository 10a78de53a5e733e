// The queue page: joins the list, the socket, the dialogs and the keyboard.

import { actOnAll, clear, safely } from "./acts.js";
import { AddDialog } from "./add.js";
import { readyDragging } from "./drag.js";
import { Drawer } from "./drawer.js";
import { speed } from "./format.js";
import { SpeedGraph } from "./graph.js";
import { QueueList } from "./list.js";
import { listen } from "./live.js";
import { openMenu, readyMenu } from "./menu.js";
import { byId, ready, readyDialog, setText, toast } from "./page.js";
import { readyRows } from "./row-menu.js";
import { Selection } from "./selection.js";
import { readyShortcuts } from "./shortcuts.js";
import { _, count, ngettext } from "./texts.js";
import { defaultOrder, orderOf } from "./view.js";

const pageName = _("Queue");
const start = JSON.parse(byId("queue-start").textContent);
const list = new QueueList(start);
const selection = new Selection(list);
const drawer = new Drawer(list);
const graph = new SpeedGraph(byId("graph"));
const adding = new AddDialog((added) => {
  toast(ngettext("{n} link added", "{n} links added", added));
  list.read({ isQuiet: true });
});
readyDragging(list);
readyMenu();
for (const id of ["ask-dialog", "help-dialog"]) readyDialog(byId(id));

// The frame around the list

function drawSummary() {
  const { all, downloading, queued, failed } = list.counts;
  const said = [
    downloading && ngettext("{n} running", "{n} running", downloading),
    queued && ngettext("{n} waiting", "{n} waiting", queued),
    failed && ngettext("{n} failed", "{n} failed", failed),
  ].filter(Boolean);
  setText(byId("summary"), !all ? _("No downloads") : said.join(" · ") || _("Everything is done"));
}

function drawSpeed(bytesPerSecond) {
  graph.set(bytesPerSecond);
  const said = bytesPerSecond ? speed(bytesPerSecond) : "";
  document.title = [said, pageName, "Kinoshelf"].filter(Boolean).join(" · ");
}

function drawTools() {
  const { view, pages } = list;
  for (const tab of byId("tabs").children) {
    if (tab.dataset.group === view.group) tab.setAttribute("aria-current", "true");
    else tab.removeAttribute("aria-current");
  }
  byId("sort").value = view.sort;
  byId("direction").setAttribute("aria-pressed", String(view.isDescending));
  byId("grouped").checked = view.isGrouped;
  byId("grouped").closest("label").hidden = Boolean(view.batch);
  if (document.activeElement !== byId("search")) byId("search").value = view.search;
  const scope = byId("scope");
  if (scope && !view.batch) scope.remove();
  byId("paging").hidden = pages < 2;
  if (document.activeElement !== byId("page")) byId("page").value = String(view.page);
  byId("page").max = String(pages);
  setText(byId("pages"), _("of {pages}", { pages: count(pages) }));
  for (const [id, isEnd] of [["page-first", view.page <= 1], ["page-previous", view.page <= 1], ["page-next", view.page >= pages], ["page-last", view.page >= pages]]) {
    if (isEnd) byId(id).setAttribute("aria-disabled", "true");
    else byId(id).removeAttribute("aria-disabled");
  }
}

const go = (changes, options) => safely(() => list.go(changes, options));
const showGroup = (group) => go({ group, ...defaultOrder(group) });

list.addEventListener("rendered", drawTools);
list.addEventListener("counted", drawSummary);
list.addEventListener("moved", () => scrollTo({ top: Math.min(scrollY, byId("tabs").offsetTop - 80), behavior: "instant" }));
addEventListener("popstate", () => safely(() => list.follow()));

byId("tabs").addEventListener("click", (event) => {
  const tab = event.target.closest("a");
  if (!tab || event.ctrlKey || event.metaKey || event.shiftKey) return;
  event.preventDefault();
  showGroup(tab.dataset.group);
});

let typing = 0;
byId("search").addEventListener("input", () => {
  clearTimeout(typing);
  typing = setTimeout(() => go({ search: byId("search").value.trim() }, { isReplacing: true }), 250);
});
byId("toolbar").addEventListener("submit", (event) => {
  event.preventDefault();
  clearTimeout(typing);
  go({ search: byId("search").value.trim() });
});
byId("sort").addEventListener("change", () => go(orderOf(list.view.group, byId("sort").value)));
byId("direction").addEventListener("click", () => go({ isDescending: !list.view.isDescending }));
byId("grouped").addEventListener("change", () => go({ isGrouped: byId("grouped").checked, batch: null }));

const turn = (page) => go({ page: Math.max(1, Math.min(page, list.pages)) });
byId("paging").addEventListener("click", (event) => {
  const link = event.target.closest("a");
  if (!link) return;
  event.preventDefault();
  if (link.getAttribute("aria-disabled")) return;
  turn({ "page-first": 1, "page-previous": list.view.page - 1, "page-next": list.view.page + 1, "page-last": list.pages }[link.id]);
});
byId("page").addEventListener("change", () => turn(Number.parseInt(byId("page").value, 10) || 1));

// All downloads

byId("add-open").addEventListener("click", () => adding.open());
for (const button of document.querySelectorAll("[data-open-add]")) button.addEventListener("click", () => adding.open());
byId("pause-all").addEventListener("click", () => list.after(actOnAll("pause")));
byId("resume-all").addEventListener("click", () => list.after(actOnAll("resume")));
byId("help-open").addEventListener("click", () => byId("help-dialog").showModal());
byId("all-menu").addEventListener("click", (event) =>
  openMenu(
    [
      { label: _("Retry all that failed"), icon: "rotate-ccw", act: () => list.after(actOnAll("retry")) },
      "line",
      { label: _("Clear completed"), icon: "circle-check", act: () => list.after(clear("completed")) },
      { label: _("Clear failed"), icon: "circle-x", act: () => list.after(clear("failed")) },
      { label: _("Clear cancelled"), icon: "ban", act: () => list.after(clear("cancelled")) },
      "line",
      { label: _("Keyboard shortcuts"), icon: "keyboard", act: () => byId("help-dialog").showModal() },
    ],
    { button: event.currentTarget },
  ),
);

readyRows({ list, drawer });
readyShortcuts({ list, selection, drawer, adding, turn, showGroup });

// What the socket says

const endings = { completed: 0, failed: 0 };
let lastName = "";
let saying = 0;

// At most one sentence in five seconds, however much happens.
function announce(task) {
  if (!(task.state in endings)) return;
  endings[task.state] += 1;
  lastName = task.filename;
  saying ||= setTimeout(() => {
    const { completed, failed } = endings;
    const said = [
      completed && (completed === 1 && !failed ? _("{name} is complete", { name: lastName }) : ngettext("{n} download complete", "{n} downloads complete", completed)),
      failed && (failed === 1 && !completed ? _("{name} failed", { name: lastName }) : ngettext("{n} download failed", "{n} downloads failed", failed)),
    ].filter(Boolean);
    setText(byId("announce"), said.join(". "));
    Object.assign(endings, { completed: 0, failed: 0 });
    saying = 0;
  }, 5_000);
}

listen({
  // The first one finds the page as fresh as the server made it.
  connected: (isAgain) => {
    list.list.removeAttribute("data-stale");
    if (isAgain) list.readSoon();
  },
  lost: () => {
    list.list.setAttribute("data-stale", "");
    drawSpeed(0);
  },
  SYNC_ALL: ({ status_counts: counts }) => list.noticed(counts),
  QUEUE_CHANGED: () => list.readSoon(),
  TASK_ADDED: () => list.readSoon(),
  TASK_REMOVED: ({ task_id: id }) => list.removed(id),
  TASK_UPDATED: ({ task }) => {
    const before = list.tasks.get(task.id)?.state;
    list.update(task);
    if (before !== task.state) announce(task);
  },
  TASK_BATCH_UPDATE: ({ tasks }) => {
    list.progress(tasks);
    drawSpeed(list.totalSpeed);
  },
  ENGINE_STATS: ({ stats }) => {
    drawSpeed(stats.total_speed);
    if (stats.db_counts) list.renderCounts(stats.db_counts);
  },
});
setInterval(() => document.visibilityState === "visible" && list.tick(), 1_000);
document.addEventListener("visibilitychange", () => document.visibilityState === "visible" && list.readIfStale());

// Links that lead into a part of the page

const asked = new URLSearchParams(location.search);
if (asked.get("task")) drawer.open(asked.get("task"));
if (asked.get("add") !== null) adding.open();
drawTools();
drawSummary();
drawSpeed(list.totalSpeed);

ready();
