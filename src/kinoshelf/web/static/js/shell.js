// On every page: fields that show what is typed, and what the page before left to say.

import { sayWhatWasLeft, setIcon } from "./page.js";
import { _ } from "./texts.js";

document.addEventListener("click", (event) => {
  const button = event.target.closest("[data-reveal]");
  if (!button) return;
  const field = button.parentElement.querySelector("input");
  const isShown = field.type === "password";
  field.type = isShown ? "text" : "password";
  button.setAttribute("aria-pressed", String(isShown));
  button.setAttribute("aria-label", isShown ? _("Hide the password") : _("Show the password"));
  setIcon(button, isShown ? "eye-off" : "eye");
});

sayWhatWasLeft();
