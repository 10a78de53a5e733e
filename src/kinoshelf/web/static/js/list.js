// The live list: one page of rows keyed by id, changed in place by what the socket says, read again when rows come and go.

import { safely } from "./acts.js";
import { get } from "./api.js";
import { byId, setText, show } from "./page.js";
import { arrange, fillBatch, fillBatchPace, fillProgress, fillTask, isRunning, makeBatch, makeTask, parts } from "./rows.js";
import { count } from "./texts.js";
import { addressOf, isInQueueOrder, queryOf, viewOf } from "./view.js";

const REREAD_MS = 1_000;
const PAGE_SIZE = 50;
const LARGEST_ANSWER = 500;

export class QueueList extends EventTarget {
  constructor(start) {
    super();
    this.list = byId("list");
    this.view = viewOf(location.search);
    this.tasks = new Map();
    this.batches = new Map();
    this.taskNodes = new Map();
    this.batchNodes = new Map();
    this.opened = new Map();
    this.counts = start.status_counts;
    this.pages = start.pages;
    this.isDragging = false;
    this.turn = 0;
    this.readAt = 0;
    this.readTook = 0;
    this.timer = 0;
    for (const node of this.list.querySelectorAll(".task")) this.taskNodes.set(node.dataset.id, node);
    for (const node of this.list.querySelectorAll(".batch")) this.batchNodes.set(node.dataset.batch, node);
    this.render(start);
  }

  // Reading

  async read({ isQuiet = false } = {}) {
    clearTimeout(this.timer);
    this.timer = 0;
    const turn = ++this.turn;
    const begin = performance.now();
    if (!isQuiet) this.list.setAttribute("aria-busy", "true");
    try {
      const [found, ...inside] = await Promise.all([get("/queue/items", queryOf(this.view)), ...[...this.opened.keys()].map((id) => this.readBatch(id))]);
      if (turn !== this.turn) return;
      for (const batch of inside) this.opened.get(batch.id)?.take(batch);
      if (this.view.page > found.pages) {
        await this.go({ page: found.pages }, { isReplacing: true });
        return;
      }
      this.render(found);
    } finally {
      this.readAt = performance.now();
      this.readTook = this.readAt - begin;
      if (turn === this.turn) this.list.removeAttribute("aria-busy");
    }
  }

  // Many changes, one read: at most one a second, and never more than a quarter of the time.
  readSoon() {
    if (this.timer) return;
    const rest = Math.max(REREAD_MS, this.readTook * 3) - (performance.now() - this.readAt);
    this.timer = setTimeout(() => {
      this.timer = 0;
      if (this.isDragging || document.visibilityState === "hidden") this.isStale = true;
      else this.read({ isQuiet: true }).catch(() => this.readSoon());
    }, Math.max(50, rest));
  }

  readIfStale() {
    if (!this.isStale) return;
    this.isStale = false;
    this.readSoon();
  }

  async readBatch(id) {
    const shown = this.opened.get(id)?.shown ?? PAGE_SIZE;
    const query = { ...queryOf({ ...this.view, batch: id, page: 1 }), limit: Math.min(shown, LARGEST_ANSWER) };
    return { id, ...(await get("/queue/items", query)) };
  }

  // Wait for something a person did, and show what came of it.
  async after(work) {
    if ((await work) !== null) await safely(() => this.read({ isQuiet: true }));
  }

  // Going elsewhere

  async go(changes, { isReplacing = false } = {}) {
    this.view = { ...this.view, page: 1, ...changes };
    history[isReplacing ? "replaceState" : "pushState"](null, "", addressOf(this.view));
    await this.read();
    if (!isReplacing) this.dispatchEvent(new Event("moved"));
  }

  async follow() {
    this.view = viewOf(location.search);
    await this.read();
  }

  // Showing

  render(found) {
    this.counts = found.status_counts;
    this.running = new Map(found.running.map((task) => [task.id, task]));
    this.pages = found.pages;
    this.batch = found.batch;
    const byKey = new Map([...found.batches.map((batch) => [batch.batch_id, { batch }]), ...found.tasks.map((task) => [task.id, { task }])]);
    const items = found.order.map((key) => byKey.get(key)).filter(Boolean);
    const nodes = new Map([...this.batchNodes, ...this.taskNodes]);
    const active = document.activeElement;
    const focused = active?.closest?.("#list li");
    const follower = focused?.nextElementSibling || focused?.previousElementSibling;
    this.tasks = new Map(found.tasks.map((task) => [task.id, task]));
    this.batches = new Map(found.batches.map((batch) => [batch.batch_id, batch]));
    const wanted = arrange(
      this.list,
      items,
      nodes,
      (item) => item.batch?.batch_id ?? item.task.id,
      (item) => (item.batch ? makeBatch() : makeTask()),
      (node, item) => (item.batch ? fillBatch(node, item.batch) : fillTask(node, item.task)),
    );
    for (const item of items) {
      if (item.batch) this.batchNodes.set(item.batch.batch_id, nodes.get(item.batch.batch_id));
      else this.taskNodes.set(item.task.id, nodes.get(item.task.id));
    }
    for (const [id, node] of this.batchNodes) {
      if (wanted.has(id)) continue;
      node.remove();
      this.batchNodes.delete(id);
      this.opened.delete(id);
    }
    for (const inside of this.opened.values()) this.renderInside(inside, wanted);
    for (const [id, node] of this.taskNodes) {
      if (wanted.has(id)) continue;
      node.remove();
      this.taskNodes.delete(id);
    }
    // A row that moved took the focus out of the document; a row that went leaves it to the next one.
    if (focused?.isConnected) {
      if (document.activeElement !== active) (active.isConnected ? active : focused).focus({ preventScroll: true });
    } else if (focused) (follower?.isConnected ? follower : this.list.querySelector("li"))?.focus({ preventScroll: true });
    this.renderFrame(found);
    this.dispatchEvent(new Event("rendered"));
  }

  renderInside(inside, wanted) {
    const node = this.batchNodes.get(inside.id);
    if (!node) return;
    for (const task of inside.tasks) this.tasks.set(task.id, task);
    const kept = arrange(parts(node).tasks, inside.tasks, this.taskNodes, (task) => task.id, makeTask, fillTask);
    for (const id of kept) wanted.add(id);
    show(node.querySelector(":scope > .more"), inside.tasks.length < inside.total);
  }

  renderFrame(found) {
    const isEmpty = !found.tasks.length && !found.batches.length;
    const isNarrowed = Boolean(this.view.search || this.view.batch) || this.view.group !== "all";
    show(byId("empty"), isEmpty);
    show(byId("empty").querySelector('[data-empty="nothing"]'), !isNarrowed);
    show(byId("empty").querySelector('[data-empty="narrowed"]'), isNarrowed);
    show(byId("list"), !isEmpty);
    this.list.toggleAttribute("data-movable", isInQueueOrder(this.view));
    this.renderCounts(this.counts);
  }

  renderCounts(counts) {
    this.counts = { ...this.counts, ...counts };
    for (const node of document.querySelectorAll("[data-count]")) {
      const number = this.counts[node.dataset.count] ?? 0;
      setText(node, count(number));
      node.toggleAttribute("data-zero", !number);
    }
    this.dispatchEvent(new Event("counted"));
  }

  // Batches

  async toggleBatch(id, isOpen = !this.opened.has(id)) {
    const node = this.batchNodes.get(id);
    if (!node) return;
    const button = node.querySelector(".expand");
    button.setAttribute("aria-expanded", String(isOpen));
    node.toggleAttribute("data-open", isOpen);
    show(parts(node).tasks, isOpen);
    if (isOpen) {
      const inside = { id, shown: PAGE_SIZE, tasks: [], total: 0, take: (found) => Object.assign(inside, { tasks: found.tasks, total: found.total }) };
      this.opened.set(id, inside);
      await this.fillBatchTasks(inside);
      return;
    }
    for (const task of this.opened.get(id)?.tasks ?? []) {
      this.taskNodes.get(task.id)?.remove();
      this.taskNodes.delete(task.id);
      this.tasks.delete(task.id);
    }
    this.opened.delete(id);
    show(node.querySelector(":scope > .more"), false);
    this.dispatchEvent(new Event("rendered"));
  }

  async showMore(id) {
    const inside = this.opened.get(id);
    if (!inside) return;
    inside.shown = Math.min(inside.shown + PAGE_SIZE, LARGEST_ANSWER);
    if (inside.tasks.length >= LARGEST_ANSWER) await this.go({ batch: id, isGrouped: false });
    else await this.fillBatchTasks(inside);
  }

  async fillBatchTasks(inside) {
    inside.take(await this.readBatch(inside.id));
    if (this.opened.get(inside.id) !== inside) return;
    this.renderInside(inside, new Set());
    this.dispatchEvent(new Event("rendered"));
  }

  // The socket

  // Counts tell whether something happened between the page and its socket.
  noticed(counts) {
    const isOther = Object.keys(counts || {}).some((group) => counts[group] !== this.counts[group]);
    if (isOther) this.readSoon();
  }

  update(task) {
    const before = this.tasks.get(task.id);
    if (isRunning(task)) this.running.set(task.id, { ...this.running.get(task.id), ...task });
    else this.running.delete(task.id);
    if (before) {
      const now = { ...before, ...task };
      this.tasks.set(task.id, now);
      const node = this.taskNodes.get(task.id);
      if (node) fillTask(node, now);
    }
    this.dispatchEvent(new CustomEvent("task", { detail: task }));
    this.readSoon();
  }

  progress(changes) {
    for (const change of changes) {
      const known = this.running.get(change.id) || {};
      const batch = this.batches.get(known.batch_id);
      if (batch && known.downloaded_bytes !== undefined) batch.downloaded_size += Math.max(0, change.downloaded_bytes - known.downloaded_bytes);
      this.running.set(change.id, { ...known, ...change });
      const task = this.tasks.get(change.id);
      if (!task) continue;
      const isOther = task.state !== change.state;
      Object.assign(task, change);
      const node = this.taskNodes.get(change.id);
      if (node) (isOther ? fillTask : fillProgress)(node, task);
    }
    this.paceBatches();
    this.dispatchEvent(new CustomEvent("progress", { detail: changes }));
  }

  // Seconds pass for those that wait although nothing is heard of them.
  tick() {
    for (const [id, node] of this.taskNodes) {
      if (node.dataset.state === "waiting") fillProgress(node, this.tasks.get(id));
    }
  }

  paceBatches() {
    if (!this.batches.size) return;
    const speeds = new Map();
    for (const task of this.running.values()) {
      if (task.batch_id) speeds.set(task.batch_id, (speeds.get(task.batch_id) ?? 0) + (task.speed || 0));
    }
    for (const [id, batch] of this.batches) {
      const speed = speeds.get(id) ?? 0;
      if (!speed && !batch.speed) continue;
      batch.speed = speed;
      const node = this.batchNodes.get(id);
      if (!node) continue;
      if (batch.expected_size) batch.progress = Math.min(100, (batch.downloaded_size / batch.expected_size) * 100);
      parts(node).bar.value = batch.progress;
      fillBatchPace(node, batch);
    }
  }

  get totalSpeed() {
    let sum = 0;
    for (const task of this.running.values()) sum += task.speed || 0;
    return sum;
  }

  removed(id) {
    this.running.delete(id);
    this.dispatchEvent(new CustomEvent("gone", { detail: id }));
    this.readSoon();
  }
}
