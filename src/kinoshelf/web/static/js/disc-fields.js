// The fields of a form of a disc: read, and told what is wrong.

import { byId, setText, show } from "./page.js";
import { _ } from "./texts.js";

export const fieldsOf = (form) => [...form.querySelectorAll("[data-field]")].map((row) => form.elements[row.dataset.field]);
export const read = (field) => (field.type === "checkbox" ? field.checked : field.value.trim());
export const sentence = (text) => `${text.charAt(0).toUpperCase()}${text.slice(1)}${/[.!?]$/.test(text) ? "" : "."}`;

export function problemAt(form, name, text) {
  const line = byId(`${name}-problem`);
  if (!line) return false;
  setText(line, text);
  if (text) form.elements[name].setAttribute("aria-invalid", "true");
  else form.elements[name].removeAttribute("aria-invalid");
  return true;
}

// Each problem at its field; what belongs to none is said at the end of the form.
export function showProblems(form, fields, error) {
  const problems = error.body?.errors ?? [];
  const left = problems.filter(({ field, message }) => !problemAt(form, field, sentence(message)));
  const first = fields.find((field) => field.getAttribute("aria-invalid") === "true");
  const hidden = first?.closest("details");
  if (hidden) hidden.open = true;
  first?.focus();
  setText(byId("form-problem"), first && !left.length ? _("Not saved: look at the marked fields.") : error.message);
  show(byId("form-problem"), true);
}
