// What every page needs of the document: addresses, drawings, messages.

export const root = document.documentElement;

// The last thing the module of a page does: from now on presses reach their listeners (see early.js).
export function ready() {
  document.dispatchEvent(new Event("ready"));
}

export function url(path, query) {
  const search = new URLSearchParams();
  for (const [name, value] of Object.entries(query || {})) {
    if (value !== null && value !== undefined && value !== "") search.set(name, value);
  }
  const text = search.toString();
  return (root.dataset.base || "") + path + (text ? `?${text}` : "");
}

export function byId(id) {
  return document.getElementById(id);
}

export function element(tag, attributes, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes || {})) {
    if (value === true) made.setAttribute(name, "");
    else if (value !== null && value !== undefined && value !== false) made.setAttribute(name, value);
  }
  made.append(...children.filter((child) => child !== null && child !== undefined));
  return made;
}

const SVG = "http://www.w3.org/2000/svg";

export function icon(name) {
  const svg = document.createElementNS(SVG, "svg");
  svg.setAttribute("class", "icon");
  svg.setAttribute("aria-hidden", "true");
  const use = document.createElementNS(SVG, "use");
  use.setAttribute("href", `${root.dataset.icons}#${name}`);
  svg.append(use);
  return svg;
}

export function setIcon(button, name) {
  const use = button.querySelector("use");
  const href = `${root.dataset.icons}#${name}`;
  if (!use) button.replaceChildren(icon(name));
  else if (use.getAttribute("href") !== href) use.setAttribute("href", href);
}

export function setText(node, text) {
  if (node.textContent !== text) node.textContent = text;
}

export function show(node, isShown) {
  if (node.hidden === isShown) node.hidden = !isShown;
}

const TOAST_SECONDS = 6;

export function toast(text, { isBad = false } = {}) {
  const box = byId("toasts");
  const made = element("p", { class: isBad ? "toast bad" : "toast" }, icon(isBad ? "circle-alert" : "circle-check"), text);
  while (box.children.length >= 3) box.firstElementChild.remove();
  box.append(made);
  setTimeout(() => made.remove(), TOAST_SECONDS * 1000 * (isBad ? 2 : 1));
}

const SAID = "kinoshelf.said";

// What the next page of this tab says when it opens.
export function sayNext(text) {
  sessionStorage.setItem(SAID, text);
}

export function sayWhatWasLeft() {
  const text = sessionStorage.getItem(SAID);
  if (!text) return;
  sessionStorage.removeItem(SAID);
  toast(text);
}

// A dialog closes by its buttons marked data-close, by Escape, and by a click beside it.
export function readyDialog(dialog) {
  for (const button of dialog.querySelectorAll("[data-close]")) button.addEventListener("click", () => dialog.close());
  let isOutside = false;
  dialog.addEventListener("pointerdown", (event) => {
    isOutside = event.target === dialog && !isWithin(dialog, event);
  });
  dialog.addEventListener("click", (event) => {
    if (isOutside && event.target === dialog && !isWithin(dialog, event)) dialog.close();
  });
  return dialog;
}

function isWithin(node, { clientX, clientY }) {
  const box = node.getBoundingClientRect();
  return clientX >= box.left && clientX <= box.right && clientY >= box.top && clientY <= box.bottom;
}
