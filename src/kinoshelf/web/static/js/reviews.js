// Matches that wait: one is chosen, or none; a word said too quickly can be taken back.

import { post } from "./api.js";
import { byId, element, ready, setText, show } from "./page.js";
import { _, ngettext } from "./texts.js";

const list = byId("questions");

function drawWaiting() {
  const { length } = list.querySelectorAll(".question:not([data-answered])");
  setText(byId("waiting"), ngettext("{n} waits for you on this page", "{n} wait for you on this page", length));
}

function answered(question, text) {
  question.dataset.answered = "";
  const back = element("button", { type: "button", class: "quiet" }, _("Take it back"));
  const line = element("p", { class: "answered", role: "status" }, text, " ", back);
  question.append(line);
  back.focus();
  back.addEventListener("click", async () => {
    if (!(await said(question, "reopen"))) return;
    delete question.dataset.answered;
    line.remove();
    question.querySelector("button")?.focus();
    drawWaiting();
  });
  drawWaiting();
}

async function said(question, verb, body) {
  const problem = question.querySelector(".problem");
  show(problem, false);
  try {
    await post(`/reviews/${question.dataset.id}/${verb}`, body);
    return true;
  } catch (error) {
    setText(problem, error.message);
    show(problem, true);
    return false;
  }
}

list?.addEventListener("click", async (event) => {
  const button = event.target.closest("button[type=button]");
  const question = button?.closest(".question");
  if (!question) return;
  if ("dismiss" in button.dataset) {
    if (await said(question, "dismiss")) answered(question, _("It is not asked again."));
  } else if (button.dataset.key) {
    const { source, key } = button.dataset;
    if (await said(question, "decide", { source, key: Number(key) })) answered(question, _("Noted: your word stays."));
  }
});
list?.addEventListener("submit", async (event) => {
  event.preventDefault();
  const form = event.target;
  const question = form.closest(".question");
  const { source } = form.querySelector('[type="submit"]').dataset;
  if (await said(question, "decide", { source, key: Number(form.elements.key.value) })) answered(question, _("Noted: your word stays."));
});

ready();
