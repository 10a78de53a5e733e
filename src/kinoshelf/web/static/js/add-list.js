// Pasting a list: its lines are counted, then it is handed over to be looked up.

import { post } from "./api.js";
import { batchOf } from "./batch.js";
import { byId, ready, setText, show, url } from "./page.js";
import { readySuggestions } from "./suggest.js";
import { ngettext } from "./texts.js";

const form = byId("list-form");
const titles = byId("titles");

readySuggestions(form);

function count() {
  const number = titles.value.split("\n").filter((one) => one.trim()).length;
  setText(byId("lines"), number ? `${ngettext("{n} line", "{n} lines", number)}.` : "");
}
titles.addEventListener("input", count);

form.addEventListener("submit", async (event) => {
  event.preventDefault();
  const button = form.querySelector('[type="submit"]');
  button.disabled = true;
  show(byId("list-problem"), false);
  try {
    const made = await post("/ajax/paste/", { text: titles.value, skip_existing: form.elements.skip_existing.checked, defaults: batchOf(form) });
    location.assign(url(`/add/list/${made.data.id}`));
  } catch (error) {
    button.disabled = false;
    setText(byId("list-problem"), error.message);
    show(byId("list-problem"), true);
  }
});

count();
ready();
