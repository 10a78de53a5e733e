// Refreshes of facts: started, watched, cancelled.

import { get, post } from "./api.js";
import { byId, ready, sayNext, setText, show, toast } from "./page.js";
import { count } from "./texts.js";

const LOOK_MS = 1_000;
const work = byId("work");

async function look() {
  try {
    const found = await get("/ajax/refresh-progress/", { task_id: work.dataset.task });
    if (found.completed) {
      sayNext(found.status);
      location.reload();
      return;
    }
    byId("work-bar").value = found.progress;
    setText(byId("work-said"), found.status);
    for (const node of work.querySelectorAll("[data-count]")) setText(node, count(found.results[node.dataset.count]));
  } catch (error) {
    if (error.status === 401) return;
    setText(byId("work-said"), error.message);
  }
  setTimeout(look, LOOK_MS);
}

for (const button of document.querySelectorAll("[data-start]")) {
  button.addEventListener("click", async () => {
    button.disabled = true;
    try {
      await post(button.dataset.start);
      location.reload();
    } catch (error) {
      button.disabled = false;
      toast(error.message, { isBad: true });
    }
  });
}
byId("work-cancel").addEventListener("click", async ({ currentTarget: button }) => {
  button.disabled = true;
  try {
    setText(byId("work-said"), (await post("/ajax/cancel-refresh/", { task_id: work.dataset.task })).message);
  } catch (error) {
    button.disabled = false;
    toast(error.message, { isBad: true });
  }
});
byId("torrents-start")?.addEventListener("click", async ({ currentTarget: button }) => {
  button.disabled = true;
  try {
    toast((await post("/ajax/refresh-all-torrents/")).message);
  } catch (error) {
    button.disabled = false;
    toast(error.message, { isBad: true });
  }
});

if (work.dataset.task) look();
ready();
