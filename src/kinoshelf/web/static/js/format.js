// Sizes, speeds and times; formats.py says the same on the server.

import { _, language } from "./texts.js";

const UNITS = ["B", "KiB", "MiB", "GiB", "TiB", "PiB"];
const MINUTE = 60, HOUR = 3600, DAY = 86400;
const LONGEST_ESTIMATE_SECONDS = 100 * DAY;

const decimals = [0, 1, 2].map(
  (digits) => new Intl.NumberFormat(language, { minimumFractionDigits: digits, maximumFractionDigits: digits }),
);
const relative = new Intl.RelativeTimeFormat(language, { numeric: "auto" });
const dateTime = new Intl.DateTimeFormat(language, { dateStyle: "medium", timeStyle: "medium" });

export function size(bytes) {
  if (bytes === null || bytes === undefined) return "–";
  let value = bytes, unit = 0;
  while (value >= 999.5 && unit < UNITS.length - 1) {
    value /= 1024;
    unit += 1;
  }
  const digits = unit === 0 || value >= 99.95 ? 0 : value >= 9.995 ? 1 : 2;
  return `${decimals[digits].format(value)} ${UNITS[unit]}`;
}

export const speed = (bytesPerSecond) => `${size(bytesPerSecond)}/s`;

// Rounded down, so that 100 % means all of it.
export function percent(value) {
  const tenths = Math.floor(value * 10) / 10;
  return `${decimals[tenths === 0 || tenths === 100 ? 0 : 1].format(tenths)} %`;
}

export function duration(seconds) {
  if (seconds === null || seconds === undefined || seconds > LONGEST_ESTIMATE_SECONDS) return "–";
  const all = Math.round(seconds);
  const part = (unit, above) => Math.floor((above ? all % above : all) / unit);
  if (all < MINUTE) return _("{seconds} s", { seconds: all });
  if (all < HOUR) return _("{minutes} min {seconds} s", { minutes: part(MINUTE), seconds: all % MINUTE });
  if (all < DAY) return _("{hours} h {minutes} min", { hours: part(HOUR), minutes: part(MINUTE, HOUR) });
  return _("{days} d {hours} h", { days: part(DAY), hours: part(HOUR, DAY) });
}

export function moment(iso) {
  return iso ? dateTime.format(new Date(iso)) : "–";
}

export function ago(iso, now = Date.now()) {
  const seconds = (new Date(iso).getTime() - now) / 1000;
  const size = Math.abs(seconds);
  if (size < 45) return relative.format(0, "second");
  if (size < 45 * MINUTE) return relative.format(Math.round(seconds / MINUTE), "minute");
  if (size < 22 * HOUR) return relative.format(Math.round(seconds / HOUR), "hour");
  return relative.format(Math.round(seconds / DAY), "day");
}
