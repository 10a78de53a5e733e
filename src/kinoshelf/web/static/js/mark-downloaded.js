// Marking discs as downloaded by their titles, and saying line by line what came of it.

import { post } from "./api.js";
import { byId, element, ready, setText, show, url } from "./page.js";
import { _, count } from "./texts.js";

const form = byId("mark-form");

function discLink({ id, name, release_year: year }) {
  return element("a", { href: url(`/dvd/${id}/`), dir: "auto" }, year ? `${name} (${year})` : name);
}

function group(title, kind, lines) {
  if (!lines.length) return null;
  const rows = lines.map((one) => {
    if (typeof one === "string") return element("li", { dir: "auto" }, one);
    const links = one.discs.flatMap((disc, at) => (at ? [", ", discLink(disc)] : [discLink(disc)]));
    return element("li", {}, element("span", { dir: "auto" }, one.line), " → ", ...links);
  });
  return element("section", { class: "card", "data-kind": kind }, element("h2", {}, `${title} (${count(lines.length)})`), element("ul", { class: "marked" }, ...rows));
}

form.addEventListener("submit", async (event) => {
  event.preventDefault();
  const button = form.querySelector('[type="submit"]');
  button.disabled = true;
  show(byId("mark-problem"), false);
  try {
    const done = await post("/ajax/mark-downloaded/", { text: form.elements.text.value });
    const groups = [
      group(_("Marked"), "added", done.found),
      group(_("Downloaded before"), "same", done.already_downloaded),
      group(_("Several fit: write the year behind the title"), "skip", done.multiple),
      group(_("No disc of this name"), "invalid", done.not_found),
    ];
    byId("mark-result").replaceChildren(...groups.filter(Boolean));
    // What was not clear stays to be put right.
    form.elements.text.value = [...done.multiple.map(({ line }) => line), ...done.not_found].join("\n");
  } catch (error) {
    setText(byId("mark-problem"), error.message);
    show(byId("mark-problem"), true);
  }
  button.disabled = false;
});

ready();
