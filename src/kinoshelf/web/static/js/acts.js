// What a person does to downloads, from wherever: rows, the bar of the selection, the drawer, the keyboard.

import { get, post, remove } from "./api.js";
import { byId, setText, show, toast } from "./page.js";
import { can } from "./rows.js";
import { _, ngettext } from "./texts.js";

const DONE = {
  pause: (n) => ngettext("{n} download paused", "{n} downloads paused", n),
  resume: (n) => ngettext("{n} download resumed", "{n} downloads resumed", n),
  retry: (n) => ngettext("{n} download started again", "{n} downloads started again", n),
  cancel: (n) => ngettext("{n} download cancelled", "{n} downloads cancelled", n),
  delete: (n) => ngettext("{n} download deleted", "{n} downloads deleted", n),
};

// Failures become a message; null says that nothing was done.
export async function safely(work) {
  try {
    return await work();
  } catch (error) {
    if (error.status !== 401) toast(error.message, { isBad: true });
    return null;
  }
}

// Tasks the action makes no sense for are left alone; it says so when none is left.
export async function act(action, tasks) {
  if (action === "delete") return askAndDelete(tasks);
  const fitting = tasks.filter((task) => can[action](task));
  if (!fitting.length) {
    toast(_("Nothing selected can be changed that way."), { isBad: true });
    return null;
  }
  if (action === "cancel" && fitting.some((task) => task.downloaded_bytes) && !(await askToCancel(fitting))) return null;
  if (fitting.length === 1) return safely(() => post(`/api/downloads/${fitting[0].id}/${action}`));
  return safely(async () => {
    const answer = await post("/api/downloads/actions", { action, ids: fitting.map((task) => task.id) });
    toast(DONE[action](answer?.affected ?? fitting.length));
    return answer;
  });
}

export async function actOnBatch(action, batch) {
  if (action === "delete") return askAndDeleteBatch(batch);
  if (action === "cancel" && !(await askToCancelBatch(batch))) return null;
  return safely(async () => {
    const answer = await post(`/api/batches/${encodeURIComponent(batch.batch_id)}/${action}`);
    toast(DONE[action](answer?.affected ?? 0));
    return answer;
  });
}

export function actOnAll(action) {
  return safely(async () => {
    const answer = await post(`/api/downloads/${action}-all`);
    toast(DONE[action](answer?.affected ?? 0));
    return answer;
  });
}

export function clear(group) {
  return safely(async () => {
    const answer = await remove(`/api/downloads/${group}`);
    const n = answer?.affected ?? 0;
    toast(ngettext("{n} download taken out of the list", "{n} downloads taken out of the list", n));
    return answer;
  });
}

export function putFirst(ids) {
  return safely(() => post("/api/downloads/reorder", { ids }));
}

export function moveBeside(id, { before = null, after = null } = {}) {
  return safely(() => post("/api/downloads/reorder", { id, before, after }));
}

export function putBatchFirst(batch) {
  return safely(async () => {
    const ids = [];
    for (let page = 1, pages = 1; page <= pages; page += 1) {
      const found = await get("/queue/items", { batch: batch.batch_id, sort: "queue", limit: 500, page });
      pages = found.pages;
      ids.push(...found.tasks.filter(can.move).map((task) => task.id));
    }
    return ids.length ? post("/api/downloads/reorder", { ids }) : null;
  });
}

function namesOf(tasks) {
  const names = tasks.slice(0, 3).map((task) => task.filename).join(", ");
  return tasks.length > 3 ? _("{names} and more", { names }) : names;
}

const askToCancel = (tasks) => ask("cancel", ngettext("Cancel {n} download?", "Cancel {n} downloads?", tasks.length), namesOf(tasks));
const askToCancelBatch = (batch) => ask("cancel", _("Cancel what is open in this batch?"), batch.batch_name);

async function askAndDelete(tasks) {
  if (!tasks.length) return null;
  const answer = await ask("delete", ngettext("Delete {n} download?", "Delete {n} downloads?", tasks.length), namesOf(tasks));
  if (!answer) return null;
  const flag = answer.deletesFiles ? { delete_files: "true" } : {};
  if (tasks.length === 1) return safely(() => remove(`/api/downloads/${tasks[0].id}`, flag));
  return safely(async () => {
    const body = { action: "delete", ids: tasks.map((task) => task.id), delete_files: answer.deletesFiles };
    const done = await post("/api/downloads/actions", body);
    toast(DONE.delete(done?.affected ?? tasks.length));
    return done;
  });
}

async function askAndDeleteBatch(batch) {
  const title = ngettext("Delete the batch with {n} download?", "Delete the batch with {n} downloads?", batch.total_items);
  const answer = await ask("delete", title, batch.batch_name);
  if (!answer) return null;
  return safely(() => remove(`/api/batches/${encodeURIComponent(batch.batch_id)}`, answer.deletesFiles ? { delete_files: "true" } : {}));
}

// One dialog for both questions. Resolves to null when the answer is no.
function ask(verb, title, what) {
  const dialog = byId("ask-dialog");
  setText(byId("ask-title"), title);
  setText(byId("ask-what"), what);
  for (const part of dialog.querySelectorAll("[data-verb]")) show(part, part.dataset.verb === verb);
  byId("delete-files").checked = false;
  dialog.returnValue = "";
  dialog.showModal();
  dialog.querySelector(`[value="${verb}"]`).focus();
  return new Promise((resolve) => {
    dialog.addEventListener("close", () => resolve(dialog.returnValue === verb ? { deletesFiles: byId("delete-files").checked } : null), { once: true });
  });
}
