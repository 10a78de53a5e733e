// The speed of the last five minutes as a line, one point a second. It survives a change of page; what came before the
// first page is known to the server.

import { speed } from "./format.js";
import { byId, setText } from "./page.js";
import { _ } from "./texts.js";

const SECONDS = 300;
const KEY = "kinoshelf.speeds";
const STEPS = [1, 2, 2.5, 5, 10];

export class SpeedGraph {
  constructor(section) {
    this.section = section;
    this.line = section.querySelector(".line");
    this.area = section.querySelector(".area");
    this.points = withEarlier(remembered(), JSON.parse(section.dataset.speeds));
    this.now = 0;
    this.spoken = 0;
    // A hidden page is throttled to one tick a minute; what it missed is drawn as a straight line.
    setInterval(() => this.tick(), 1000);
    addEventListener("pagehide", () => this.remember());
    this.draw();
  }

  set(bytesPerSecond) {
    this.now = bytesPerSecond;
  }

  tick() {
    const at = Date.now();
    this.points.push([at, this.now]);
    const oldest = at - SECONDS * 1000;
    while (this.points.length > 1 && this.points[1][0] < oldest) this.points.shift();
    if (document.visibilityState === "visible") this.draw();
  }

  draw() {
    const end = Date.now();
    const top = roundedUp(Math.max(1024, ...this.points.map((point) => point[1])));
    const drawn = this.points.map(([at, value]) => {
      const x = SECONDS - (end - at) / 1000;
      return [Math.max(0, x).toFixed(1), (100 - (value / top) * 96).toFixed(1)];
    });
    const path = drawn.map(([x, y]) => `${x},${y}`).join("L");
    this.line.setAttribute("d", path ? `M${path}` : "");
    this.area.setAttribute("d", drawn.length > 1 ? `M${drawn[0][0]},100L${path}L${drawn.at(-1)[0]},100Z` : "");
    setText(byId("graph-speed"), speed(this.now));
    setText(byId("graph-top"), this.points.some((point) => point[1]) ? _("top {speed},", { speed: speed(Math.max(...this.points.map((point) => point[1]))) }) : "");
  }

  remember() {
    try {
      sessionStorage.setItem(KEY, JSON.stringify(this.points));
    } catch {
      // Without storage the graph begins anew on the next page; nothing else is lost.
    }
  }
}

function remembered() {
  try {
    const oldest = Date.now() - SECONDS * 1000;
    return JSON.parse(sessionStorage.getItem(KEY) || "[]").filter(([at]) => at > oldest);
  } catch {
    return [];
  }
}

function withEarlier(points, told) {
  const now = Date.now();
  const first = points[0]?.[0] ?? now;
  const earlier = told.map(([secondsAgo, value]) => [now - secondsAgo * 1000, value]).filter(([at]) => at < first);
  return [...earlier, ...points];
}

function roundedUp(value) {
  const power = 10 ** Math.floor(Math.log10(value));
  return STEPS.find((step) => step * power >= value) * power;
}
