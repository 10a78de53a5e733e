// One menu for all rows: placed by its button or the pointer, walked with the arrow keys.

import { byId, element, icon } from "./page.js";

let opener = null;

export function openMenu(entries, { button = null, x = 0, y = 0 } = {}) {
  const menu = byId("menu");
  if (menu.matches(":popover-open")) {
    const isSame = opener === button && button;
    menu.hidePopover();
    if (isSame) return;
  }
  opener = button;
  menu.replaceChildren(
    ...entries.filter(Boolean).map((entry) => {
      if (entry === "line") return element("hr");
      const made = element("button", { type: "button", role: "menuitem", tabindex: "-1", class: entry.isDanger ? "danger" : null }, icon(entry.icon), entry.label);
      made.addEventListener("click", () => {
        menu.hidePopover();
        entry.act();
      });
      return made;
    }),
  );
  menu.showPopover();
  const box = button ? button.getBoundingClientRect() : { left: x, right: x, top: y, bottom: y };
  const { offsetWidth: width, offsetHeight: height } = menu;
  const left = button ? box.right - width : x;
  const below = box.bottom + 4;
  menu.style.left = `${Math.max(8, Math.min(left, innerWidth - width - 8))}px`;
  menu.style.top = `${below + height > innerHeight - 8 ? Math.max(8, box.top - height - 4) : below}px`;
  menu.querySelector("button")?.focus();
}

export function readyMenu() {
  const menu = byId("menu");
  menu.addEventListener("keydown", (event) => {
    const buttons = [...menu.querySelectorAll("button")];
    const here = buttons.indexOf(document.activeElement);
    const to = { ArrowDown: here + 1, ArrowUp: here - 1, Home: 0, End: buttons.length - 1 }[event.key];
    if (to !== undefined) {
      event.preventDefault();
      buttons.at(to % buttons.length)?.focus();
    } else if (event.key === "Tab" || event.key === "Escape") {
      event.preventDefault();
      menu.hidePopover();
    }
    event.stopPropagation();
  });
  menu.addEventListener("toggle", (event) => {
    if (event.newState === "closed" && opener?.isConnected && (document.activeElement === document.body || menu.contains(document.activeElement))) opener.focus();
  });
  addEventListener("scroll", () => menu.matches(":popover-open") && menu.hidePopover(), { passive: true });
}
