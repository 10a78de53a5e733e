// The sign-in form, on its own page and in place of lists nobody may see yet.

import { post } from "./api.js";
import { duration } from "./format.js";
import { byId, ready, setText, show } from "./page.js";
import { _ } from "./texts.js";

const form = byId("login");
const problem = byId("login-problem");
const button = form?.querySelector('[type="submit"]');
const time = new Intl.DateTimeFormat(document.documentElement.lang, { timeStyle: "medium" });

function say(text) {
  setText(problem, text);
  show(problem, true);
}

// Counts down, so that nobody tries in vain; the sentence is spoken once.
function lock(seconds) {
  const end = Date.now() + seconds * 1000;
  button.disabled = true;
  say("");
  const spoken = document.createElement("span");
  const left = document.createElement("span");
  spoken.textContent = _("Too many attempts. Try again at {time}.", { time: time.format(end) });
  left.setAttribute("aria-hidden", "true");
  problem.replaceChildren(spoken, left);
  const tick = () => {
    const rest = Math.ceil((end - Date.now()) / 1000);
    if (rest <= 0) {
      clearInterval(timer);
      button.disabled = false;
      show(problem, false);
      form.elements.password.focus();
      return;
    }
    left.textContent = ` (${duration(rest)})`;
  };
  const timer = setInterval(tick, 1000);
  tick();
}

form?.addEventListener("submit", async (event) => {
  event.preventDefault();
  const { password, remember } = form.elements;
  if (!password.value) {
    password.focus();
    return;
  }
  button.disabled = true;
  button.setAttribute("aria-busy", "true");
  show(problem, false);
  try {
    await post("/api/auth/login", { password: password.value, remember: remember.checked }, { staysOn401: true });
    location.replace(form.dataset.next || location.href);
    return;
  } catch (error) {
    button.disabled = false;
    if (error.status === 429) lock(error.retryAfter ?? 60);
    else say(error.status === 401 ? _("The password is wrong.") : error.message);
    password.select();
  } finally {
    button.removeAttribute("aria-busy");
  }
});

ready();
