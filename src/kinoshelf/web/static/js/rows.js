// Fills the rows of the list. Their form stands in templates/parts/task.html; rows.py fills the first paint alike.

import { ago, duration, percent, size, speed } from "./format.js";
import { byId, element, setIcon, setText, show, url } from "./page.js";
import { _, count, ngettext } from "./texts.js";

export const STATE_LABELS = {
  queued: _("Queued"),
  starting: _("Starting"),
  downloading: _("Downloading"),
  paused: _("Paused"),
  waiting: _("Waiting to retry"),
  extracting: _("Unpacking"),
  completed: _("Completed"),
  failed: _("Failed"),
  cancelled: _("Cancelled"),
  skipped: _("Skipped"),
};

const GROUPS = {
  starting: "downloading", downloading: "downloading", extracting: "downloading",
  queued: "queued", waiting: "queued", paused: "paused",
  completed: "completed", failed: "failed", cancelled: "cancelled", skipped: "cancelled",
};
export const groupOf = (state) => GROUPS[state];

const RUNNING = new Set(["starting", "downloading", "extracting"]);
const PAUSABLE = new Set(["queued", "starting", "downloading", "waiting"]);
const RESUMABLE = new Set(["paused", "waiting", "skipped"]);
const RETRYABLE = new Set(["waiting", "completed", "failed", "cancelled", "skipped"]);
const CANCELLABLE = new Set(["queued", "starting", "downloading", "paused", "waiting", "extracting", "failed"]);
const MOVABLE = new Set(["queued", "waiting", "paused"]);

export const isRunning = (task) => RUNNING.has(task.state);
export const can = {
  pause: (task) => PAUSABLE.has(task.state),
  resume: (task) => RESUMABLE.has(task.state),
  retry: (task) => RETRYABLE.has(task.state),
  cancel: (task) => CANCELLABLE.has(task.state),
  move: (task) => MOVABLE.has(task.state),
};

export const ACTIONS = {
  pause: { label: _("Pause"), icon: "pause" },
  resume: { label: _("Resume"), icon: "play" },
  retry: { label: _("Retry"), icon: "rotate-ccw" },
  again: { label: _("Download again"), icon: "rotate-ccw" },
  cancel: { label: _("Cancel"), icon: "ban" },
  delete: { label: _("Delete"), icon: "trash-2" },
};

// The one thing a person most likely wants to do with it.
export function mainAction(task) {
  if (task.state === "waiting") return "retry";
  if (can.pause(task)) return "pause";
  if (can.resume(task)) return "resume";
  return task.state === "completed" || !can.retry(task) ? "" : "retry";
}

export function priorityLabel(priority) {
  if (!priority) return "";
  return priority >= 2 ? _("Highest") : priority === 1 ? _("High") : _("Low");
}

export function amount(done, total, state) {
  if (state === "completed") return size(total ?? done);
  if (total === null || total === undefined) return done ? size(done) : "";
  return done ? _("{part} of {whole}", { part: size(done), whole: size(total) }) : size(total);
}

function waitLabel(task) {
  const seconds = task.wait_until ? (new Date(task.wait_until) - Date.now()) / 1000 : 0;
  return seconds > 0 ? _("in {time}", { time: duration(seconds) }) : "";
}

const partsOf = new WeakMap();

export function parts(node) {
  let found = partsOf.get(node);
  if (!found) {
    found = {};
    for (const part of node.querySelectorAll("[data-part]")) found[part.dataset.part] ??= part;
    partsOf.set(node, found);
  }
  return found;
}

function optional(node, text) {
  setText(node, text || "");
  show(node, Boolean(text));
}

function setMain(button, action) {
  if (button.dataset.action === (action || undefined)) return;
  show(button, Boolean(action));
  if (!action) {
    delete button.dataset.action;
    return;
  }
  button.dataset.action = action;
  setIcon(button, ACTIONS[action].icon);
  button.title = ACTIONS[action].label;
  button.setAttribute("aria-label", ACTIONS[action].label);
}

// A file of unknown size shows that it moves, not how far it is.
function fillBar(bar, progress, isUnknown) {
  if (isUnknown) bar.removeAttribute("value");
  else if (bar.value !== progress || !bar.hasAttribute("value")) bar.value = progress;
}

// Only what changes while bytes arrive: called twice a second for everything that runs.
export function fillProgress(node, task) {
  const part = parts(node);
  fillBar(part.bar, task.progress, isRunning(task) && !task.total_bytes);
  setText(part.percent, task.progress ? percent(task.progress) : "");
  setText(part.amount, amount(task.downloaded_bytes, task.total_bytes, task.state));
  setText(part.speed, isRunning(task) && task.speed ? speed(task.speed) : "");
  setText(part.eta, timeLabel(task));
}

// How long it will take, how long until the next try, or how long ago it was done.
function timeLabel(task) {
  if (isRunning(task)) return task.speed ? duration(task.eta) : "";
  if (task.state === "waiting") return waitLabel(task);
  return task.state === "completed" && task.completed_at ? ago(task.completed_at) : "";
}

export function fillTask(node, task) {
  const part = parts(node);
  node.dataset.id = task.id;
  if (node.dataset.state !== task.state) node.dataset.state = task.state;
  setText(part.name, task.filename);
  part.name.title = task.filename;
  const address = url(`/queue/${encodeURIComponent(task.id)}`);
  if (part.name.getAttribute("href") !== address) part.name.setAttribute("href", address);
  setText(part.state, STATE_LABELS[task.state] || task.state);
  optional(part.priority, priorityLabel(task.priority));
  setText(part.host, task.host || "");
  optional(part.batch, task.batch_name);
  optional(part.error, task.state === "completed" ? "" : task.error_message);
  part.error.title = task.error_message || "";
  part.pick.setAttribute("aria-label", _("Select {name}", { name: task.filename }));
  part.grip.classList.toggle("fixed", !can.move(task));
  setMain(part["main-action"], mainAction(task));
  fillProgress(node, task);
}

export function fillBatch(node, batch) {
  const part = parts(node);
  node.dataset.batch = batch.batch_id;
  if (node.dataset.state !== batch.state) node.dataset.state = batch.state;
  setText(part.name, batch.batch_name);
  part.name.title = batch.batch_name;
  const address = url("/queue", { batch: batch.batch_id });
  if (part.name.getAttribute("href") !== address) part.name.setAttribute("href", address);
  setText(part.state, STATE_LABELS[batch.state] || batch.state);
  setText(part.items, ngettext("{done} of {n} file", "{done} of {n} files", batch.total_items, { done: count(batch.completed_items) }));
  optional(part.failed, batch.failed_items ? ngettext("{n} failed", "{n} failed", batch.failed_items) : "");
  fillBar(part.bar, batch.progress, false);
  setText(part.percent, batch.progress ? percent(batch.progress) : "");
  setText(part.amount, amount(batch.downloaded_size, batch.expected_size || null, batch.state));
  fillBatchPace(node, batch);
  const open = batch.downloading_items + batch.queued_items;
  setMain(part["main-action"], open ? "pause" : batch.paused_items ? "resume" : batch.failed_items ? "retry" : "");
}

export function fillBatchPace(node, batch) {
  const part = parts(node);
  setText(part.speed, batch.speed ? speed(batch.speed) : "");
  const left = batch.expected_size - batch.downloaded_size;
  setText(part.eta, batch.speed && left > 0 ? duration(left / batch.speed) : "");
}

const made = (id) => byId(id).content.firstElementChild.cloneNode(true);
export const makeTask = () => made("task-template");
export const makeBatch = () => made("batch-template");

// Bring the children of `list` into the order of `items`, moving and reusing what is there.
export function arrange(list, items, known, keyOf, make, fill) {
  let before = list.firstElementChild;
  const wanted = new Set();
  for (const item of items) {
    const key = keyOf(item);
    wanted.add(key);
    let node = known.get(key);
    if (!node) {
      node = make(item);
      known.set(key, node);
    }
    fill(node, item);
    if (node === before) before = before.nextElementSibling;
    else list.insertBefore(node, before);
  }
  return wanted;
}

export function detail(label, value, ...more) {
  return element("div", {}, element("dt", {}, label), element("dd", { dir: "auto" }, element("span", {}, value), ...more));
}
