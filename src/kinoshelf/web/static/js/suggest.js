// Fields that complete themselves: what is typed asks the address in `data-suggest`, the answers become the list.

import { get } from "./api.js";
import { element } from "./page.js";

const PAUSE_MS = 150;

export function readySuggestions(frame) {
  for (const field of frame.querySelectorAll("[data-suggest]")) {
    let waiting = 0;
    const ask = async () => {
      try {
        const { suggestions } = await get(field.dataset.suggest, { q: field.value });
        field.list?.replaceChildren(...suggestions.map((value) => element("option", { value })));
      } catch {
        field.list?.replaceChildren();
      }
    };
    field.addEventListener("input", () => {
      clearTimeout(waiting);
      waiting = setTimeout(ask, PAUSE_MS);
    });
  }
}
