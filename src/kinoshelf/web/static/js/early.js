// Before the first paint: what only works with script shows, and nothing jumps later. The modules come a moment after;
// what is pressed until then is kept and pressed again for them.
{
  const { documentElement: root } = document;
  let pressed = null;
  root.dataset.scripted = "";
  document.addEventListener(
    "click",
    (event) => {
      const button = event.target.closest?.("button");
      if (!button || "ready" in root.dataset) return;
      event.preventDefault();
      event.stopImmediatePropagation();
      pressed = button;
    },
    { capture: true },
  );
  document.addEventListener("ready", () => {
    root.dataset.ready = "";
    if (pressed?.isConnected) pressed.click();
  });
}
