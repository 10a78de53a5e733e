// Parts of pages: the server renders what it would have rendered at once.

import { Refused, toLogin } from "./api.js";
import { url } from "./page.js";
import { _ } from "./texts.js";

export async function part(path, query, { signal } = {}) {
  let answer;
  try {
    answer = await fetch(url(path, query), { headers: { Accept: "application/json" }, credentials: "same-origin", cache: "no-store", signal });
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new Refused(0, _("The hub cannot be reached."), null);
  }
  if (answer.status === 401) toLogin();
  const text = await answer.text();
  if (!answer.ok) throw new Refused(answer.status, _("The hub answered {status}.", { status: answer.status }), null);
  return [...new DOMParser().parseFromString(text, "text/html").body.children];
}
