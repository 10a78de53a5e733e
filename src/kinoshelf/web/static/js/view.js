// What the address of the queue page asks for; queue.py reads it the same way.

import { url } from "./page.js";

const GROUPS = ["downloading", "queued", "paused", "completed", "failed", "cancelled"];
export const TABS = ["all", ...GROUPS];
const SORTS = ["status", "queue", "added", "filename", "size", "progress"];
const LARGEST_FIRST = ["added", "size", "progress"];

export function defaultOrder(group) {
  if (group === "all") return { sort: "status", isDescending: false };
  return ["downloading", "queued", "paused"].includes(group) ? { sort: "queue", isDescending: false } : { sort: "added", isDescending: true };
}

export function orderOf(group, sort) {
  const usual = defaultOrder(group);
  return sort === usual.sort ? usual : { sort, isDescending: LARGEST_FIRST.includes(sort) };
}

export function viewOf(search) {
  const query = new URLSearchParams(search);
  const asked = (query.get("status") || "").toLowerCase();
  const group = GROUPS.includes(asked) ? asked : "all";
  const order = orderOf(group, SORTS.includes(query.get("sort")) ? query.get("sort") : defaultOrder(group).sort);
  const direction = query.get("direction");
  if (direction === "asc" || direction === "desc") order.isDescending = direction === "desc";
  const batch = query.get("batch") || null;
  return {
    group,
    ...order,
    search: (query.get("search") || "").trim(),
    page: Math.max(1, Number.parseInt(query.get("page") || "1", 10) || 1),
    batch,
    isGrouped: !batch && query.get("view") !== "flat",
  };
}

// The parameters of both `/queue` and `/queue/items`; what is usual is left out.
export function queryOf(view) {
  const usual = defaultOrder(view.group);
  const isUsual = usual.sort === view.sort && usual.isDescending === view.isDescending;
  return {
    status: view.group === "all" ? null : view.group,
    search: view.search,
    sort: isUsual ? null : view.sort,
    direction: isUsual ? null : view.isDescending ? "desc" : "asc",
    batch: view.batch,
    view: view.isGrouped || view.batch ? null : "flat",
    page: view.page > 1 ? view.page : null,
  };
}

export const addressOf = (view) => url("/queue", queryOf(view));
// Dragging says something only where rows stand in the order of the queue.
export const isInQueueOrder = (view) => !view.isDescending && (view.sort === "queue" || view.sort === "status");
