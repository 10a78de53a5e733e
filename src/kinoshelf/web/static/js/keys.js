// The keyboard of the queue: single letters, off while a field is edited, and off for good where the user says so.

export const KEYS_SETTING = "kinoshelf.keys";

export function areKeysOn() {
  try {
    return localStorage.getItem(KEYS_SETTING) !== "off";
  } catch {
    return true;
  }
}

const TYPED = "input:not([type=checkbox]), textarea, select, [contenteditable]";

// `map` goes from key to function; a function that returns false leaves the key to the browser.
export function readyKeys(map) {
  document.addEventListener("keydown", (event) => {
    if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.isComposing) return;
    if (event.key !== "Escape" && (!areKeysOn() || event.target.closest?.(TYPED))) return;
    if (document.querySelector("dialog[open]:modal")) return;
    const name = (event.altKey ? "Alt+" : "") + event.key;
    if (map[name] && map[name](event) !== false) event.preventDefault();
  });
}
