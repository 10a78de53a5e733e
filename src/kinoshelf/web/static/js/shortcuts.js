// What the keys of the queue do; the help dialog (queue.py) tells the same.

import { act, actOnBatch, moveBeside, putFirst, safely } from "./acts.js";
import { neighbours } from "./drag.js";
import { readyKeys } from "./keys.js";
import { byId } from "./page.js";
import { can } from "./rows.js";
import { TABS } from "./view.js";

export function readyShortcuts({ list, selection, drawer, adding, turn, showGroup }) {
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
      list.after(actOnBatch(named, batch));
      return true;
    }
    const tasks = meant();
    if (!tasks.length) return false;
    if (action !== "resume") {
      list.after(act(action, tasks));
      return true;
    }
    const [paused, ended] = [tasks.filter(can.resume), tasks.filter((task) => !can.resume(task))];
    if (paused.length) list.after(act("resume", paused));
    if (ended.length || !paused.length) list.after(act("retry", ended.length ? ended : tasks));
    return true;
  }

  function moveByKey(direction) {
    const node = current();
    const task = list.tasks.get(node?.dataset.id);
    if (!task || !can.move(task) || !list.list.hasAttribute("data-movable")) return false;
    const { above, below } = neighbours(node);
    if (direction < 0 && above) list.after(moveBeside(task.id, { before: above }));
    if (direction > 0 && below) list.after(moveBeside(task.id, { after: below }));
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
      if (ids.length) list.after(putFirst(ids));
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
}
