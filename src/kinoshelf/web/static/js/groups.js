// Box sets and storage boxes: their names, and labels.

import { post } from "./api.js";
import { byId, ready, readyDialog, sayNext, setText, show, toast, url } from "./page.js";
import { _ } from "./texts.js";

const form = byId("rename-form");

async function rename(name) {
  await post(form.dataset.address, { name: form.dataset.name, new_name: name });
}

if (form) {
  const renaming = readyDialog(byId("rename-dialog"));
  const leaving = readyDialog(byId("leave-dialog"));
  byId("rename-open").addEventListener("click", () => {
    renaming.showModal();
    form.elements.name.select();
  });
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    const name = form.elements.name.value.trim();
    const line = form.querySelector(".problem");
    try {
      if (name !== form.dataset.name) await rename(name);
      location.replace(url(form.dataset.path, { name }));
    } catch (error) {
      setText(line, error.message);
      show(line, true);
    }
  });
  byId("leave-open").addEventListener("click", () => {
    leaving.returnValue = "";
    leaving.showModal();
  });
  leaving.addEventListener("close", async () => {
    if (leaving.returnValue !== "leave") return;
    try {
      await rename("");
      sayNext(_("{name} is gone, its discs are not", { name: form.dataset.name }));
      location.replace(url(form.dataset.path));
    } catch (error) {
      toast(error.message, { isBad: true });
    }
  });
}

byId("print")?.addEventListener("click", () => print());

ready();
