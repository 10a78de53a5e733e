// Before the first paint: what only works with script shows, and nothing jumps later.
document.documentElement.dataset.scripted = "";
