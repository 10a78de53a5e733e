// The start page: the running downloads live, the rest read again when something ends.

import { get } from "./api.js";
import { ago, speed } from "./format.js";
import { listen } from "./live.js";
import { byId, element, ready, setText, show, url } from "./page.js";
import { fillProgress, isRunning, parts } from "./rows.js";
import { size } from "./format.js";
import { count } from "./texts.js";

const REREAD_MS = 1_000;
const running = byId("running");
let tasks = new Map();
let timer = 0;

function makeRow(task) {
  const bar = element("progress", { max: 100, value: 0, "data-part": "bar", "aria-label": task.filename });
  const line = element("p", {}, element("span", { "data-part": "percent" }), element("span", { class: "amount", "data-part": "amount" }), element("span", { "data-part": "speed" }), element("span", { "data-part": "eta" }));
  return element("li", { "data-id": task.id }, element("a", { class: "name", dir: "auto", "data-part": "name", href: url(`/queue/${task.id}`) }), element("div", { class: "progress" }, bar, line));
}

function draw(found) {
  tasks = new Map(found.running.map((task) => [task.id, task]));
  const nodes = new Map([...running.children].map((node) => [node.dataset.id, node]));
  running.replaceChildren(
    ...found.running.map((task) => {
      const node = nodes.get(task.id) ?? makeRow(task);
      node.dataset.state = task.state;
      setText(parts(node).name, task.filename);
      fillProgress(node, task);
      return node;
    }),
  );
  show(byId("running-none"), !found.running.length);
  byId("finished").replaceChildren(
    ...found.finished.map((task) =>
      element(
        "li",
        { "data-id": task.id },
        element("a", { class: "name", dir: "auto", href: url(`/queue/${task.id}`) }, task.filename),
        element("span", { class: "hint" }, size(task.total_bytes)),
        element("time", { class: "hint", datetime: task.completed_at, title: task.completed_label }, task.completed_at ? ago(task.completed_at) : ""),
      ),
    ),
  );
  show(byId("finished-none"), !found.finished.length);
  drawCounts(found.status_counts);
  drawSpeed(found.total_speed);
}

function drawCounts(counts) {
  for (const node of document.querySelectorAll("[data-count]")) {
    const number = counts[node.dataset.count] ?? 0;
    setText(node, count(number));
    node.toggleAttribute("data-zero", !number);
  }
}

function drawSpeed(bytesPerSecond) {
  setText(byId("speed"), bytesPerSecond ? speed(bytesPerSecond) : "");
}

function readSoon() {
  timer ||= setTimeout(async () => {
    timer = 0;
    try {
      draw(await get("/start/items"));
    } catch (error) {
      if (error.status !== 401) readSoon();
    }
  }, REREAD_MS);
}

draw(JSON.parse(byId("start-items").textContent));
// Opening a download from here leads to the live page, not to the plain one.
document.addEventListener("click", (event) => {
  const link = event.target.closest(".running-list .name, .finished-list .name");
  if (!link || event.ctrlKey || event.metaKey || event.shiftKey) return;
  event.preventDefault();
  location.assign(url("/queue", { task: link.closest("li").dataset.id }));
});

listen({
  connected: (isAgain) => isAgain && readSoon(),
  QUEUE_CHANGED: readSoon,
  TASK_ADDED: readSoon,
  TASK_REMOVED: readSoon,
  TASK_UPDATED: readSoon,
  TASK_BATCH_UPDATE: ({ tasks: changes }) => {
    for (const change of changes) {
      const task = tasks.get(change.id);
      if (!task) {
        if (tasks.size < 5 && isRunning(change)) readSoon();
        continue;
      }
      Object.assign(task, change);
      const node = running.querySelector(`[data-id="${CSS.escape(change.id)}"]`);
      if (node) fillProgress(node, task);
    }
  },
  ENGINE_STATS: ({ stats }) => {
    drawSpeed(stats.total_speed);
    if (stats.db_counts) drawCounts(stats.db_counts);
  },
});

ready();
