// Dragging rows into another order, by mouse, pen or finger.

import "../vendor/sortable.min.js";
import { moveBeside } from "./acts.js";
import { can, parts } from "./rows.js";

const { Sortable } = globalThis;

export function readyDragging(list) {
  const made = new Map();
  const isCalm = matchMedia("(prefers-reduced-motion: reduce)").matches;

  function ready(node) {
    if (made.has(node)) return;
    made.set(
      node,
      new Sortable(node, {
        draggable: ".task",
        handle: ".grip",
        filter: ".fixed",
        animation: isCalm ? 0 : 150,
        onStart: () => {
          list.isDragging = true;
        },
        onEnd: async ({ item, oldIndex, newIndex }) => {
          list.isDragging = false;
          if (oldIndex !== newIndex) await dropped(item);
          list.readIfStale();
        },
      }),
    );
  }

  async function dropped(item) {
    const movable = (node) => node?.matches(".task") && can.move(list.tasks.get(node.dataset.id) ?? {});
    const after = item.nextElementSibling;
    const before = item.previousElementSibling;
    if (movable(after)) await moveBeside(item.dataset.id, { before: after.dataset.id });
    else if (movable(before)) await moveBeside(item.dataset.id, { after: before.dataset.id });
    await list.read({ isQuiet: true });
  }

  function refresh() {
    ready(list.list);
    for (const id of list.opened.keys()) {
      const node = list.batchNodes.get(id);
      if (node) ready(parts(node).tasks);
    }
    const isOff = !list.list.hasAttribute("data-movable");
    for (const [node, sortable] of made) {
      if (node.isConnected) sortable.option("disabled", isOff);
      else {
        sortable.destroy();
        made.delete(node);
      }
    }
  }

  list.addEventListener("rendered", refresh);
  refresh();
}

// Neighbours a task can be moved past, for those who do not drag.
export function neighbours(node) {
  const rows = [...node.parentElement.children].filter((row) => row.matches(".task"));
  const here = rows.indexOf(node);
  return { above: rows[here - 1]?.dataset.id ?? null, below: rows[here + 1]?.dataset.id ?? null };
}
