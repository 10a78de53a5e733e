// A list that grows while one scrolls. It is made of chunks; what is far away is emptied and keeps its height, so that
// the browser holds some hundred discs however many were passed, and is read again when one comes back.

import { byId, element, toast } from "./page.js";
import { toLogin } from "./api.js";
import { watchPictures } from "./pictures.js";
import { _ } from "./texts.js";

const NEAR = "1200px 0px";
const KEPT = "6000px 0px";

export class EndlessList {
  constructor() {
    this.list = byId("list");
    this.more = byId("more");
    this.ending = new AbortController();
    this.isReading = false;
    if (!this.list) return;
    this.growing = new IntersectionObserver((seen) => seen.some((one) => one.isIntersecting) && this.grow(), { rootMargin: NEAR });
    this.kept = new IntersectionObserver((seen) => {
      for (const one of seen) {
        if (one.isIntersecting) this.fill(one.target);
        else this.empty(one.target, one.boundingClientRect);
      }
    }, { rootMargin: KEPT });
    for (const chunk of this.chunks) this.kept.observe(chunk);
    this.growing.observe(this.more);
    this.more.addEventListener("click", (event) => {
      event.preventDefault();
      this.grow();
    }, { signal: this.ending.signal });
  }

  get chunks() {
    return [...this.list.querySelectorAll(".chunk")];
  }

  get next() {
    return this.chunks.at(-1)?.dataset.next || "";
  }

  end() {
    this.ending.abort();
    this.growing?.disconnect();
    this.kept?.disconnect();
  }

  async grow() {
    if (this.isReading || !this.next) return;
    this.isReading = true;
    this.more.dataset.reading = "";
    const made = await this.read(this.next);
    delete this.more.dataset.reading;
    this.isReading = false;
    if (!made || this.ending.signal.aborted) return;
    this.list.append(made);
    watchPictures(made);
    this.kept.observe(made);
    this.more.hidden = !this.next;
    // Observed anew it tells again whether its end is still near.
    this.growing.unobserve(this.more);
    if (this.next) this.growing.observe(this.more);
  }

  async read(after) {
    const address = new URL(byId("shelf").dataset.items, location.href);
    if (after) address.searchParams.set("after", after);
    else address.searchParams.delete("after");
    try {
      const answer = await fetch(address, { headers: { Accept: "text/html" }, credentials: "same-origin", signal: this.ending.signal });
      if (answer.status === 401 || answer.redirected) {
        toLogin();
        return null;
      }
      if (!answer.ok) throw new Error(String(answer.status));
      const template = document.createElement("template");
      template.innerHTML = await answer.text();
      return template.content.querySelector(".chunk");
    } catch (error) {
      if (error.name !== "AbortError") toast(_("The hub cannot be reached."), { isBad: true });
      return null;
    }
  }

  empty(chunk, box) {
    if ("emptied" in chunk.dataset || !box.height || chunk.contains(document.activeElement)) return;
    chunk.dataset.emptied = "";
    if (chunk.matches("tbody")) {
      const cell = element("td", { colspan: this.list.tHead.rows[0].cells.length });
      cell.style.blockSize = `${box.height}px`;
      chunk.replaceChildren(element("tr", { class: "gap", "aria-hidden": "true" }, cell));
    } else {
      chunk.style.blockSize = `${box.height}px`;
      chunk.replaceChildren();
    }
  }

  async fill(chunk) {
    if (!("emptied" in chunk.dataset) || "filling" in chunk.dataset) return;
    chunk.dataset.filling = "";
    const made = await this.read(chunk.dataset.after);
    delete chunk.dataset.filling;
    if (!made) return;
    delete chunk.dataset.emptied;
    chunk.style.blockSize = "";
    chunk.replaceChildren(...made.children);
    watchPictures(chunk);
  }
}
