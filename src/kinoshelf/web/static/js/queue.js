// The queue page: joins the list, the socket, the dialogs and the keyboard.

import { act, actOnAll, actOnBatch, clear, moveBeside, putBatchFirst, putFirst } from "./acts.js";
import { AddDialog } from "./add.js";
import { get, patch } from "./api.js";
import { neighbours, readyDragging } from "./drag.js";
import { copy, Drawer } from "./drawer.js";
import { speed } from "./format.js";
import { SpeedGraph } from "./graph.js";
import { readyKeys } from "./keys.js";
import { QueueList } from "./list.js";
import { listen } from "./live.js";
import { openMenu, readyMenu } from "./menu.js";
import { byId, readyDialog, setText, toast } from "./page.js";
import { ACTIONS, can, priorityLabel } from "./rows.js";
import { Selection } from "./selection.js";
import { _, count, ngettext } from "./texts.js";
import { defaultOrder, orderOf, TABS } from "./view.js";

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
for (const id of ["delete-dialog", "help-dialog"]) readyDialog(byId(id));

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

async function safely(work) {
  try {
    return await work();
  } catch (error) {
    if (error.status !== 401) toast(error.message, { isBad: true });
    return null;
  }
}

const go = (changes, options) => safely(() => list.go(changes, options));
const reread = () => safely(() => list.read({ isQuiet: true }));
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
byId("pause-all").addEventListener("click", () => actOnAll("pause").then(reread));
byId("resume-all").addEventListener("click", () => actOnAll("resume").then(reread));
byId("help-open").addEventListener("click", () => byId("help-dialog").showModal());
byId("all-menu").addEventListener("click", (event) =>
  openMenu(
    [
      { label: _("Retry all that failed"), icon: "rotate-ccw", act: () => actOnAll("retry").then(reread) },
      "line",
      { label: _("Clear completed"), icon: "circle-check", act: () => clear("completed").then(reread) },
      { label: _("Clear failed"), icon: "circle-x", act: () => clear("failed").then(reread) },
      { label: _("Clear cancelled"), icon: "ban", act: () => clear("cancelled").then(reread) },
      "line",
      { label: _("Keyboard shortcuts"), icon: "keyboard", act: () => byId("help-dialog").showModal() },
    ],
    { button: event.currentTarget },
  ),
);

// Rows

async function doAct(action, tasks) {
  if ((await act(action, tasks)) !== null) await reread();
}

async function place(work) {
  if ((await work) !== null) await reread();
}

function moveEntries(task, node) {
  if (!can.move(task)) return [];
  const { above, below } = list.list.hasAttribute("data-movable") ? neighbours(node) : {};
  return [
    "line",
    { label: _("To the top of the queue"), icon: "arrow-up-to-line", act: () => place(putFirst([task.id])) },
    above && { label: _("Move up"), icon: "arrow-up", act: () => place(moveBeside(task.id, { before: above })) },
    below && { label: _("Move down"), icon: "arrow-down", act: () => place(moveBeside(task.id, { after: below })) },
    { label: _("To the end of the queue"), icon: "arrow-down-to-line", act: () => place(moveBeside(task.id)) },
  ];
}

function priorityEntries(task) {
  if (!can.cancel(task)) return [];
  const choices = [1, 0, -1].filter((priority) => priority !== task.priority);
  return [
    "line",
    ...choices.map((priority) => ({
      label: _("Priority: {priority}", { priority: priorityLabel(priority) || _("Normal") }),
      icon: priority > 0 ? "chevrons-up" : priority < 0 ? "chevrons-down" : "minus",
      act: () => place(safely(() => patch(`/api/downloads/${task.id}`, { priority }))),
    })),
  ];
}

function taskMenu(node, where) {
  const task = list.tasks.get(node.dataset.id);
  if (!task) return;
  const acts = ["pause", "resume", "retry", "cancel"].filter((action) => can[action](task));
  openMenu(
    [
      { label: _("Details"), icon: "info", act: () => drawer.open(task.id) },
      ...acts.map((action) => ({ ...ACTIONS[action === "retry" && task.state === "completed" ? "again" : action], act: () => doAct(action, [task]) })),
      ...moveEntries(task, node),
      ...priorityEntries(task),
      "line",
      { label: _("Copy the link"), icon: "copy", act: () => safely(async () => copy((await get(`/api/downloads/${task.id}`)).original_url)) },
      { ...ACTIONS.delete, isDanger: true, act: () => doAct("delete", [task]) },
    ],
    where,
  );
}

function batchMenu(node, where) {
  const batch = list.batches.get(node.dataset.batch);
  if (!batch) return;
  const done = (work) => work.then((answer) => answer !== null && reread());
  const open = batch.downloading_items + batch.queued_items;
  openMenu(
    [
      open && { ...ACTIONS.pause, act: () => done(actOnBatch("pause", batch)) },
      batch.paused_items && { ...ACTIONS.resume, act: () => done(actOnBatch("resume", batch)) },
      batch.failed_items && { label: _("Retry what failed"), icon: "rotate-ccw", act: () => done(actOnBatch("retry", batch)) },
      (open || batch.paused_items) && { ...ACTIONS.cancel, act: () => done(actOnBatch("cancel", batch)) },
      (open || batch.paused_items) && { label: _("To the top of the queue"), icon: "arrow-up-to-line", act: () => done(putBatchFirst(batch)) },
      { label: _("Show only this batch"), icon: "layers", act: () => location.assign(node.querySelector(".name").href) },
      "line",
      { ...ACTIONS.delete, isDanger: true, act: () => done(actOnBatch("delete", batch)) },
    ],
    where,
  );
}

byId("list").addEventListener("click", (event) => {
  const button = event.target.closest("[data-action]");
  const node = event.target.closest("li");
  if (!node) return;
  if (!button) {
    const name = event.target.closest(".task .name");
    if (!name || event.ctrlKey || event.metaKey || event.shiftKey) return;
    event.preventDefault();
    drawer.open(node.dataset.id);
    return;
  }
  const { action } = button.dataset;
  if (action === "expand") safely(() => list.toggleBatch(node.dataset.batch));
  else if (action === "more") safely(() => list.showMore(node.dataset.batch));
  else if (action === "menu") (node.matches(".batch") ? batchMenu : taskMenu)(node, { button });
  else if (node.matches(".batch")) actOnBatch(action, list.batches.get(node.dataset.batch)).then((answer) => answer !== null && reread());
  else doAct(action, [list.tasks.get(node.dataset.id)]);
});
byId("list").addEventListener("contextmenu", (event) => {
  const node = event.target.closest("li");
  if (!node || event.target.closest("a, button, input") || event.shiftKey) return;
  event.preventDefault();
  (node.matches(".batch") ? batchMenu : taskMenu)(node, { x: event.clientX, y: event.clientY });
});
byId("list").addEventListener("dblclick", (event) => {
  const node = event.target.closest(".task");
  if (node && !event.target.closest("button, input, a, label")) drawer.open(node.dataset.id);
});

// Keyboard

const rows = () => [...byId("list").querySelectorAll(".batch, .task")].filter((row) => row.offsetParent);
const current = () => document.activeElement?.closest?.("#list li");

function step(by) {
  const all = rows();
  const here = all.indexOf(current());
  const next = here < 0 ? all.at(by > 0 ? 0 : -1) : all[here + by];
  if (!next) return Boolean(all.length);
  next.focus({ preventScroll: true });
  next.scrollIntoView({ block: "nearest" });
  return true;
}

const meant = () => {
  if (selection.tasks.length) return selection.tasks;
  const task = list.tasks.get(current()?.dataset.id);
  return task ? [task] : [];
};

function actByKey(action) {
  const node = current();
  if (!selection.tasks.length && node?.matches(".batch")) {
    const batch = list.batches.get(node.dataset.batch);
    const named = action === "resume" && !batch.paused_items ? "retry" : action;
    actOnBatch(named, batch).then((answer) => answer !== null && reread());
    return true;
  }
  const tasks = meant();
  if (!tasks.length) return false;
  if (action !== "resume") {
    doAct(action, tasks);
    return true;
  }
  const [paused, ended] = [tasks.filter(can.resume), tasks.filter((task) => !can.resume(task))];
  if (paused.length) doAct("resume", paused);
  if (ended.length || !paused.length) doAct("retry", ended.length ? ended : tasks);
  return true;
}

function moveByKey(direction) {
  const node = current();
  const task = list.tasks.get(node?.dataset.id);
  if (!task || !can.move(task) || !list.list.hasAttribute("data-movable")) return false;
  const { above, below } = neighbours(node);
  if (direction < 0 && above) place(moveBeside(task.id, { before: above }));
  if (direction > 0 && below) place(moveBeside(task.id, { after: below }));
  return true;
}

function enter(event) {
  const node = current();
  if (!node || event.target !== node) return false;
  if (node.matches(".batch")) safely(() => list.toggleBatch(node.dataset.batch));
  else drawer.open(node.dataset.id);
  return true;
}

function space(event) {
  const node = current();
  if (!node || event.target.closest("button, a, input")) return false;
  if (node.matches(".batch")) safely(() => list.toggleBatch(node.dataset.batch));
  else selection.toggle(node, event.shiftKey);
  return true;
}

readyKeys({
  j: () => step(1),
  k: () => step(-1),
  ArrowDown: (event) => (event.target.closest("#list li") === event.target ? step(1) : false),
  ArrowUp: (event) => (event.target.closest("#list li") === event.target ? step(-1) : false),
  Enter: enter,
  " ": space,
  p: () => actByKey("pause"),
  r: () => actByKey("resume"),
  c: () => actByKey("cancel"),
  Delete: () => actByKey("delete"),
  t: () => {
    const ids = meant().filter(can.move).map((task) => task.id);
    if (ids.length) place(putFirst(ids));
    return ids.length > 0;
  },
  "Alt+ArrowUp": () => moveByKey(-1),
  "Alt+ArrowDown": () => moveByKey(1),
  a: () => adding.open(),
  "/": () => byId("search").select(),
  "?": () => byId("help-dialog").showModal(),
  "[": () => (list.view.page > 1 ? turn(list.view.page - 1) : false),
  "]": () => (list.view.page < list.pages ? turn(list.view.page + 1) : false),
  Escape: () => {
    if (document.activeElement === byId("search")) byId("search").blur();
    else selection.clear();
  },
  ...Object.fromEntries(TABS.map((group, index) => [String(index + 1), () => showGroup(group)])),
});

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
  connected: (isAgain) => isAgain && list.readSoon(),
  lost: () => drawSpeed(0),
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
document.addEventListener("visibilitychange", () => document.visibilityState === "visible" && list.readIfStale());

// Links that lead into a part of the page

const asked = new URLSearchParams(location.search);
if (asked.get("task")) drawer.open(asked.get("task"));
if (asked.get("add") !== null) adding.open();
drawTools();
drawSummary();
drawSpeed(list.totalSpeed);
