// Handing in a file, or what was copied out of one. Its page then says what would become of every row.

import { Refused, toLogin } from "./api.js";
import { byId, ready, setText, show, url } from "./page.js";
import { _ } from "./texts.js";

const form = byId("import-form");
const { file, text } = form.elements;

function options() {
  const found = {};
  for (const name of ["on_match", "format", "day_order"]) if (form.elements[name].value) found[name] = form.elements[name].value;
  return JSON.stringify(found);
}

function problem(message) {
  setText(byId("import-problem"), message);
  show(byId("import-problem"), Boolean(message));
}

async function handIn() {
  const body = new FormData();
  if (file.files.length) body.append("file", file.files[0]);
  else body.append("file", new File([text.value], _("pasted rows") + ".csv", { type: "text/csv" }));
  body.append("options", options());
  const answer = await fetch(url("/ajax/imports/"), { method: "POST", body, headers: { Accept: "application/json" }, credentials: "same-origin" });
  if (answer.status === 401) toLogin();
  const found = await answer.json().catch(() => null);
  if (!answer.ok) throw new Refused(answer.status, found?.message || _("The hub answered {status}.", { status: answer.status }), found);
  return found.data;
}

form.addEventListener("submit", async (event) => {
  event.preventDefault();
  problem("");
  if (!file.files.length && !text.value.trim()) {
    problem(_("Choose a file, or paste something."));
    file.focus();
    return;
  }
  const button = form.querySelector('[type="submit"]');
  button.disabled = true;
  setText(byId("import-said"), _("Reading and comparing with the shelf …"));
  try {
    const made = await handIn();
    location.assign(url(`/import/${made.id}`));
  } catch (error) {
    button.disabled = false;
    setText(byId("import-said"), "");
    problem(error instanceof Refused ? error.message.charAt(0).toUpperCase() + error.message.slice(1) : _("The hub cannot be reached."));
  }
});

const drop = byId("drop");
for (const name of ["dragover", "dragleave", "drop"]) {
  drop.addEventListener(name, (event) => {
    event.preventDefault();
    drop.toggleAttribute("data-over", name === "dragover");
    if (name === "drop" && event.dataTransfer.files.length) file.files = event.dataTransfer.files;
  });
}

ready();
