// The wish list: added, changed, removed. «I have it» leads to the form of a new disc.

import { patch, post, remove } from "./api.js";
import { byId, ready, readyDialog, sayNext, setText, show, toast } from "./page.js";
import { _ } from "./texts.js";

const dialog = readyDialog(byId("wish-dialog"));
const form = byId("wish-form");
const problem = form.querySelector(".problem");
let changed = null;

function open(values, id) {
  changed = id;
  form.reset();
  show(problem, false);
  for (const [name, value] of Object.entries(values)) form.elements[name].value = value ?? "";
  dialog.showModal();
  form.elements.name.select();
}

byId("wish-open").addEventListener("click", () => open({}, null));
form.addEventListener("submit", async (event) => {
  event.preventDefault();
  const values = Object.fromEntries([...new FormData(form)].map(([name, value]) => [name, value.trim() || null]));
  if (values.release_year) values.release_year = Number(values.release_year);
  try {
    const { message } = changed ? await patch(`/ajax/wishes/${changed}/`, values) : await post("/ajax/wishes/", values);
    sayNext(message || _("Saved"));
    location.reload();
  } catch (error) {
    setText(problem, error.message);
    show(problem, true);
  }
});
byId("wishes")?.addEventListener("click", async (event) => {
  const button = event.target.closest("button");
  if (!button) return;
  const line = button.closest("[data-id]");
  if ("edit" in button.dataset) open(JSON.parse(line.dataset.values), line.dataset.id);
  else {
    // The first press asks, the second does it.
    if (!button.dataset.asked) {
      button.dataset.asked = "1";
      button.classList.add("danger");
      setText(button, _("Really remove?"));
      return;
    }
    try {
      const { message } = await remove(`/ajax/wishes/${line.dataset.id}/`);
      sayNext(message);
      location.reload();
    } catch (error) {
      toast(error.message, { isBad: true });
    }
  }
});

ready();
