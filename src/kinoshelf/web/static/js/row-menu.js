// What rows answer to: their buttons, their menu, and opening one.

import { act, actOnBatch, moveBeside, putBatchFirst, putFirst, safely } from "./acts.js";
import { get, patch } from "./api.js";
import { neighbours } from "./drag.js";
import { copy } from "./drawer.js";
import { openMenu } from "./menu.js";
import { byId } from "./page.js";
import { ACTIONS, can, priorityLabel } from "./rows.js";
import { _ } from "./texts.js";

function moveEntries(list, task, node) {
  if (!can.move(task)) return [];
  const { above, below } = list.list.hasAttribute("data-movable") ? neighbours(node) : {};
  return [
    "line",
    { label: _("To the top of the queue"), icon: "arrow-up-to-line", act: () => list.after(putFirst([task.id])) },
    above && { label: _("Move up"), icon: "arrow-up", act: () => list.after(moveBeside(task.id, { before: above })) },
    below && { label: _("Move down"), icon: "arrow-down", act: () => list.after(moveBeside(task.id, { after: below })) },
    { label: _("To the end of the queue"), icon: "arrow-down-to-line", act: () => list.after(moveBeside(task.id)) },
  ];
}

function priorityEntries(list, task) {
  if (!can.cancel(task)) return [];
  const choices = [1, 0, -1].filter((priority) => priority !== task.priority);
  return [
    "line",
    ...choices.map((priority) => ({
      label: _("Priority: {priority}", { priority: priorityLabel(priority) || _("Normal") }),
      icon: priority > 0 ? "chevrons-up" : priority < 0 ? "chevrons-down" : "minus",
      act: () => list.after(safely(() => patch(`/api/downloads/${task.id}`, { priority }))),
    })),
  ];
}

function taskMenu({ list, drawer }, node, where) {
  const task = list.tasks.get(node.dataset.id);
  if (!task) return;
  const acts = ["pause", "resume", "retry", "cancel"].filter((action) => can[action](task));
  openMenu(
    [
      { label: _("Details"), icon: "info", act: () => drawer.open(task.id) },
      ...acts.map((action) => ({ ...ACTIONS[action === "retry" && task.state === "completed" ? "again" : action], act: () => list.after(act(action, [task])) })),
      ...moveEntries(list, task, node),
      ...priorityEntries(list, task),
      "line",
      { label: _("Copy the link"), icon: "copy", act: () => safely(async () => copy((await get(`/api/downloads/${task.id}`)).original_url)) },
      { ...ACTIONS.delete, isDanger: true, act: () => list.after(act("delete", [task])) },
    ],
    where,
  );
}

function batchMenu({ list }, node, where) {
  const batch = list.batches.get(node.dataset.batch);
  if (!batch) return;
  const open = batch.downloading_items + batch.queued_items;
  openMenu(
    [
      open && { ...ACTIONS.pause, act: () => list.after(actOnBatch("pause", batch)) },
      batch.paused_items && { ...ACTIONS.resume, act: () => list.after(actOnBatch("resume", batch)) },
      batch.failed_items && { label: _("Retry what failed"), icon: "rotate-ccw", act: () => list.after(actOnBatch("retry", batch)) },
      (open || batch.paused_items) && { ...ACTIONS.cancel, act: () => list.after(actOnBatch("cancel", batch)) },
      (open || batch.paused_items) && { label: _("To the top of the queue"), icon: "arrow-up-to-line", act: () => list.after(putBatchFirst(batch)) },
      { label: _("Show only this batch"), icon: "layers", act: () => location.assign(node.querySelector(".name").href) },
      "line",
      { ...ACTIONS.delete, isDanger: true, act: () => list.after(actOnBatch("delete", batch)) },
    ],
    where,
  );
}

export function readyRows(page) {
  const { list, drawer } = page;
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
    else if (action === "menu") (node.matches(".batch") ? batchMenu : taskMenu)(page, node, { button });
    else if (node.matches(".batch")) list.after(actOnBatch(action, list.batches.get(node.dataset.batch)));
    else list.after(act(action, [list.tasks.get(node.dataset.id)]));
  });
  byId("list").addEventListener("contextmenu", (event) => {
    const node = event.target.closest("li");
    if (!node || event.target.closest("a, button, input") || event.shiftKey) return;
    event.preventDefault();
    (node.matches(".batch") ? batchMenu : taskMenu)(page, node, { x: event.clientX, y: event.clientY });
  });
  byId("list").addEventListener("dblclick", (event) => {
    const node = event.target.closest(".task");
    if (node && !event.target.closest("button, input, a, label")) drawer.open(node.dataset.id);
  });
}
