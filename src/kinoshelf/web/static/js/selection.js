// Many at once: boxes, ranges with Shift, and the bar that acts on them. A selection outlives a change of page.

import { act, putFirst } from "./acts.js";
import { byId, setText, show } from "./page.js";
import { can, parts } from "./rows.js";
import { ngettext } from "./texts.js";

export class Selection {
  constructor(list) {
    this.list = list;
    this.picked = new Map();
    this.last = null;
    this.box = byId("pick-page");
    list.list.addEventListener("click", (event) => {
      const box = event.target.closest?.('[data-part="pick"]');
      if (box) this.pick(box.closest(".task"), box.checked, event.shiftKey);
    });
    list.addEventListener("rendered", () => this.draw());
    list.addEventListener("gone", (event) => this.picked.delete(event.detail) && this.draw());
    list.addEventListener("task", ({ detail }) => this.picked.has(detail.id) && this.picked.set(detail.id, { ...this.picked.get(detail.id), ...detail }));
    this.box.addEventListener("change", () => {
      for (const task of list.tasks.values()) this.set(task, this.box.checked);
      this.draw();
    });
    byId("bulk-clear").addEventListener("click", () => this.clear());
    for (const button of document.querySelectorAll("[data-bulk]")) {
      button.addEventListener("click", () => this.act(button.dataset.bulk));
    }
    this.draw();
  }

  get tasks() {
    return [...this.picked.values()];
  }

  set(task, isPicked) {
    if (isPicked) this.picked.set(task.id, task);
    else this.picked.delete(task.id);
  }

  pick(node, isPicked, isRange) {
    const rows = [...this.list.list.querySelectorAll(".task")];
    const here = rows.indexOf(node);
    const there = isRange && this.last?.isConnected ? rows.indexOf(this.last) : here;
    for (const row of rows.slice(Math.min(here, there), Math.max(here, there) + 1)) {
      const task = this.list.tasks.get(row.dataset.id);
      if (task) this.set(task, isPicked);
    }
    this.last = node;
    this.draw();
  }

  toggle(node, isRange) {
    this.pick(node, isRange || !this.picked.has(node.dataset.id), isRange);
  }

  clear() {
    this.picked.clear();
    this.draw();
  }

  draw() {
    let shown = 0;
    for (const [id, node] of this.list.taskNodes) {
      const isPicked = this.picked.has(id);
      if (isPicked) shown += 1;
      node.classList.toggle("picked", isPicked);
      const box = parts(node).pick;
      if (box.checked !== isPicked) box.checked = isPicked;
    }
    const all = this.list.tasks.size;
    this.box.checked = all > 0 && shown === all;
    this.box.indeterminate = shown > 0 && shown < all;
    const number = this.picked.size;
    show(byId("bulk"), number > 0);
    if (number) setText(byId("bulk-count"), ngettext("{n} selected", "{n} selected", number));
  }

  async act(action) {
    const tasks = this.tasks;
    const answer = action === "first" ? await putFirst(tasks.filter(can.move).map((task) => task.id)) : await act(action, tasks);
    if (answer === null) return;
    if (action === "delete") this.clear();
    await this.list.read({ isQuiet: true });
  }
}
