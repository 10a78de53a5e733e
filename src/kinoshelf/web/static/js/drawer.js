// One download in full: numbers, wishes that can change, and what went wrong so far.

import { act } from "./acts.js";
import { get, patch } from "./api.js";
import { ago, moment, size, speed } from "./format.js";
import { byId, element, icon, readyDialog, setText, show, toast } from "./page.js";
import { ACTIONS, can, detail, fillProgress, parts, STATE_LABELS } from "./rows.js";
import { _, count, ngettext } from "./texts.js";

const MIB = 1024 * 1024;

export class Drawer {
  constructor(list) {
    this.list = list;
    this.dialog = readyDialog(byId("drawer"));
    this.form = byId("drawer-form");
    this.task = null;
    this.dialog.addEventListener("close", () => this.closed());
    this.form.addEventListener("submit", (event) => {
      event.preventDefault();
      this.save();
    });
    list.addEventListener("progress", ({ detail: changes }) => {
      const change = this.task && changes.find((one) => one.id === this.task.id);
      if (!change) return;
      Object.assign(this.task, change);
      fillProgress(this.dialog, this.task);
    });
    list.addEventListener("task", ({ detail: task }) => task.id === this.task?.id && this.reread());
    list.addEventListener("gone", ({ detail: id }) => id === this.task?.id && this.dialog.close());
  }

  get isOpen() {
    return this.dialog.open;
  }

  async open(id) {
    const isSwitch = this.isOpen;
    let task;
    try {
      task = await get(`/api/downloads/${encodeURIComponent(id)}`);
    } catch (error) {
      if (error.status !== 401) toast(error.message, { isBad: true });
      return;
    }
    this.task = task;
    this.fill();
    this.fillForm();
    if (!isSwitch) this.dialog.showModal();
    const address = new URL(location.href);
    address.searchParams.set("task", id);
    history.replaceState(null, "", address);
  }

  async reread() {
    const id = this.task.id;
    try {
      const task = await get(`/api/downloads/${encodeURIComponent(id)}`);
      if (this.task?.id !== id) return;
      this.task = task;
      this.fill();
    } catch (error) {
      if (error.status === 404) this.dialog.close();
    }
  }

  closed() {
    const id = this.task?.id;
    this.task = null;
    const address = new URL(location.href);
    address.searchParams.delete("task");
    history.replaceState(null, "", address);
    this.list.taskNodes.get(id)?.focus();
  }

  fill() {
    const { task } = this;
    const part = parts(this.dialog);
    this.dialog.dataset.state = task.state;
    setText(part.state, STATE_LABELS[task.state] || task.state);
    setText(part.name, task.filename);
    setText(part.error, task.error_message || "");
    show(part.error, Boolean(task.error_message) && task.state !== "completed");
    fillProgress(this.dialog, task);
    this.fillActions(part.actions);
    this.fillPlace();
    this.fillDetails(part.details);
    this.fillHistory(part);
  }

  fillActions(box) {
    const wanted = ["pause", "resume", "retry", "cancel", "delete"].filter((action) => action === "delete" || can[action](this.task));
    const key = `${this.task.state} ${wanted}`;
    if (box.dataset.key === key) return;
    const hadFocus = box.contains(document.activeElement);
    box.dataset.key = key;
    box.replaceChildren(
      ...wanted.map((action) => {
        const { label, icon: name } = ACTIONS[action === "retry" && this.task.state === "completed" ? "again" : action];
        const button = element("button", { type: "button", class: action === "delete" ? "secondary outline danger" : "secondary outline" }, icon(name), label);
        button.addEventListener("click", async () => {
          const { task } = this;
          if ((await act(action, [task])) !== null && action !== "delete" && this.task) this.reread();
        });
        return button;
      }),
    );
    if (hadFocus) box.querySelector("button")?.focus();
  }

  fillDetails(box) {
    const { task } = this;
    const link = task.original_url || task.url;
    const rows = [
      detail(_("Link"), link, copyButton(link)),
      task.destination && detail(_("File"), task.destination, copyButton(task.destination)),
      task.batch_name && detail(_("Batch"), task.batch_name),
      task.category && detail(_("Category"), task.category),
      detail(_("Size"), task.total_bytes === null ? _("not known yet") : `${size(task.total_bytes)} (${count(task.total_bytes)} B)`),
      task.connections > 1 && detail(_("Connections"), count(task.connections)),
      task.checksum && detail(_("Checksum"), task.checksum + (task.verified ? " – " + _("matches") : "")),
      detail(_("Added"), `${moment(task.created_at)} (${ago(task.created_at)})`),
      task.started_at && detail(_("Started"), moment(task.started_at)),
      task.completed_at && detail(task.state === "completed" ? _("Completed") : _("Ended"), moment(task.completed_at)),
      task.average_speed && detail(_("Average speed"), speed(task.average_speed)),
      task.wait_until && task.state === "waiting" && detail(_("Next try"), moment(task.wait_until)),
      task.retry_count > 0 && detail(_("Retries"), count(task.retry_count)),
    ];
    box.replaceChildren(...rows.filter(Boolean));
  }

  fillHistory(part) {
    const history = [...(this.task.error_history || [])].reverse();
    show(part["no-history"], !history.length);
    part.history.replaceChildren(
      ...history.map((entry) => {
        const attempt = entry.retry_attempt ? ngettext("retry {n}", "retry {n}", entry.retry_attempt) : "";
        const time = element("time", { datetime: entry.timestamp }, moment(entry.timestamp));
        return element("li", {}, time, attempt && element("span", { class: "attempt" }, ` · ${attempt}`), element("p", { dir: "auto" }, entry.error_message));
      }),
    );
  }

  fillForm() {
    const { priority, limit, limit_unit: unit, filename, folder } = this.form.elements;
    const own = String(this.task.priority ?? 0);
    priority.querySelector("[data-own]")?.remove();
    if (![...priority.options].some((option) => option.value === own)) priority.append(element("option", { value: own, "data-own": true }, own));
    priority.value = own;
    const bytes = this.task.speed_limit || 0;
    unit.value = bytes && (bytes * 1000) % MIB ? "1024" : String(MIB);
    limit.value = bytes ? String(bytes / Number(unit.value)) : "";
    this.place = { filename: this.task.filename, folder: this.task.folder || "" };
    filename.value = this.place.filename;
    folder.value = this.place.folder;
  }

  // A finished file lies where it lies.
  fillPlace() {
    const place = this.form.querySelector("[data-part='place']");
    place.disabled = this.task.state === "completed";
    show(place, !place.disabled);
  }

  async save() {
    const { priority, limit, limit_unit: unit, filename, folder } = this.form.elements;
    const body = { priority: Number(priority.value), speed_limit: Math.round(Number(limit.value || 0) * Number(unit.value)) };
    // What was not touched is not sent: the host may have told a better name meanwhile.
    if (this.task.state !== "completed") {
      if (filename.value !== this.place.filename) body.filename = filename.value;
      if (folder.value !== this.place.folder) body.folder = folder.value;
    }
    try {
      await patch(`/api/downloads/${encodeURIComponent(this.task.id)}`, body);
      toast(_("Saved"));
      await this.reread();
      if (this.task) this.fillForm();
    } catch (error) {
      toast(error.message, { isBad: true });
    }
  }
}

function copyButton(text) {
  const button = element("button", { type: "button", class: "quiet", "aria-label": _("Copy"), title: _("Copy") }, icon("copy"));
  button.addEventListener("click", () => copy(text));
  return button;
}

export async function copy(text) {
  try {
    await navigator.clipboard.writeText(text);
  } catch {
    // Without https the clipboard is closed to pages; the old way still works.
    const field = element("textarea", { class: "visually-hidden" });
    field.value = text;
    (document.querySelector("dialog[open]") || document.body).append(field);
    field.select();
    document.execCommand("copy");
    field.remove();
  }
  toast(_("Copied"));
}
