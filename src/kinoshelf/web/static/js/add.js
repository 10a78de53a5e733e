// Many links at once: pasted, typed or dropped; each line gets its answer.

import { call, get } from "./api.js";
import { byId, element, icon, readyDialog, setText, show } from "./page.js";
import { _, count, ngettext } from "./texts.js";

const LINK = /\b(?:https?|ftps?):\/\/[^\s<>"]+/gi;
const MOST_SHOWN = 500;
const LARGEST_FILE_BYTES = 5 * 1024 * 1024;
const OUTCOMES = {
  added: { icon: "circle-check", label: _("added") },
  duplicate: { icon: "info", label: _("in the list already") },
  invalid: { icon: "circle-alert", label: _("not usable") },
};

export class AddDialog {
  constructor(onAdded) {
    this.onAdded = onAdded;
    this.dialog = readyDialog(byId("add-dialog"));
    this.form = byId("add-form");
    this.field = byId("add-links");
    this.field.addEventListener("input", () => this.recount());
    this.field.addEventListener("keydown", (event) => {
      if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) this.form.requestSubmit();
    });
    this.form.addEventListener("submit", (event) => {
      event.preventDefault();
      this.submit();
    });
    this.readyPaste();
    this.readyDrop();
  }

  get links() {
    return this.field.value.split("\n").map((line) => line.trim()).filter(Boolean);
  }

  open(links = []) {
    if (links.length) this.field.value = [...new Set([...this.links, ...links])].join("\n");
    this.forget();
    this.recount();
    if (!this.dialog.open) this.dialog.showModal();
    this.field.focus();
    this.suggestBatches();
  }

  async suggestBatches() {
    try {
      const { batches } = await get("/api/batches");
      const names = [...new Set(batches.map((batch) => batch.batch_name))].slice(0, 50);
      byId("batch-names").replaceChildren(...names.map((name) => element("option", { value: name })));
    } catch {
      // The names are only offered; the field works without.
    }
  }

  recount() {
    const { links } = this;
    const unique = new Set(links).size;
    const twice = links.length - unique;
    const said = unique ? ngettext("{n} link", "{n} links", unique) : "";
    const saidTwice = twice ? ngettext("{n} line twice", "{n} lines twice", twice) : "";
    setText(byId("add-count"), [said, saidTwice].filter(Boolean).join(", "));
    const isMany = unique > 1;
    show(byId("add-one"), !isMany);
    for (const name of ["filename", "checksum"]) this.form.elements[name].disabled = isMany;
    setText(byId("add-submit").querySelector("span"), isMany ? _("Add {n} links", { n: count(unique) }) : _("Add"));
  }

  forget() {
    show(byId("add-results"), false);
    show(byId("add-problem"), false);
  }

  problem(text) {
    setText(byId("add-problem"), text);
    show(byId("add-problem"), true);
  }

  async submit() {
    const links = [...new Set(this.links)];
    this.forget();
    if (!links.length) {
      this.problem(_("Paste at least one link."));
      this.field.focus();
      return;
    }
    const { batch_name: batch, folder, category, priority, filename, checksum } = this.form.elements;
    const wishes = {
      batch_name: batch.value.trim() || undefined,
      folder: folder.value.trim() || undefined,
      category: category.value.trim() || undefined,
      priority: Number(priority.value),
    };
    const button = byId("add-submit");
    button.disabled = true;
    button.setAttribute("aria-busy", "true");
    try {
      const own = links.length > 1 ? {} : { filename: filename.value.trim() || undefined, checksum: checksum.value.trim() || undefined };
      const items = links.map((url) => ({ url, ...own }));
      const { results } = await call("POST", "/api/downloads/bulk", { query: { tasks: "false" }, body: { items, ...wishes } });
      this.answer(results);
    } catch (error) {
      this.problem(error.message);
    } finally {
      button.disabled = false;
      button.removeAttribute("aria-busy");
    }
  }

  answer(results) {
    const left = results.filter((result) => result.status !== "added");
    const added = results.length - left.length;
    if (added) this.onAdded(added);
    if (!left.length) {
      this.field.value = "";
      for (const name of ["filename", "checksum"]) this.form.elements[name].value = "";
      this.dialog.close();
      return;
    }
    // What was not usable stays in the field to be put right.
    this.field.value = left.filter((result) => result.status === "invalid").map((result) => result.url).join("\n");
    this.recount();
    const list = byId("add-results");
    list.replaceChildren(...results.slice(0, MOST_SHOWN).map((result) => this.line(result)));
    show(list, true);
    setText(byId("add-count"), _("{added}, {left} not", { added: ngettext("{n} link added", "{n} links added", added), left: count(left.length) }));
  }

  line(result) {
    const outcome = OUTCOMES[result.status] || OUTCOMES.invalid;
    const said = result.status === "added" ? outcome.label : result.error || outcome.label;
    return element("li", { "data-outcome": result.status }, icon(outcome.icon), element("span", { class: "link", title: result.url }, result.url), element("span", { class: "outcome" }, said));
  }

  // Links pasted anywhere on the page open the dialog.
  readyPaste() {
    document.addEventListener("paste", (event) => {
      if (event.target.closest?.("input, textarea, select, dialog")) return;
      const links = event.clipboardData?.getData("text")?.match(LINK);
      if (!links) return;
      event.preventDefault();
      this.open(links);
    });
  }

  readyDrop() {
    const isUseful = (transfer) => [...transfer.types].some((type) => ["text/uri-list", "text/plain", "Files"].includes(type));
    document.addEventListener("dragover", (event) => {
      if (!event.dataTransfer || event.target.closest?.("input, textarea, .task") || !isUseful(event.dataTransfer)) return;
      event.preventDefault();
    });
    document.addEventListener("drop", async (event) => {
      if (!event.dataTransfer || event.target.closest?.("input, textarea, .task")) return;
      event.preventDefault();
      const files = [...event.dataTransfer.files].filter((file) => file.size <= LARGEST_FILE_BYTES);
      const given = event.dataTransfer.getData("text/uri-list") || event.dataTransfer.getData("text/plain");
      const text = [given, ...(await Promise.all(files.map((file) => file.text())))].join("\n");
      const links = text.match(LINK);
      if (links) this.open(links);
    });
  }
}
