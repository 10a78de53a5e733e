// Calls of the documented interface. A missing sign-in leads to the login and back.

import { url } from "./page.js";
import { _ } from "./texts.js";

export class Refused extends Error {
  constructor(status, message, body) {
    super(message);
    this.status = status;
    this.body = body;
    this.retryAfter = null;
  }
}

let isLeaving = false;

export function toLogin() {
  if (isLeaving) return;
  isLeaving = true;
  const here = location.pathname + location.search;
  location.assign(url("/login", { next: here }));
}

// `staysOn401` is for the sign-in itself, where 401 means a wrong password.
export async function call(method, path, { body, query, staysOn401 = false, signal } = {}) {
  let answer;
  try {
    answer = await fetch(url(path, query), {
      method,
      signal,
      headers: { Accept: "application/json", ...(body === undefined ? {} : { "Content-Type": "application/json" }) },
      body: body === undefined ? undefined : JSON.stringify(body),
      credentials: "same-origin",
      cache: "no-store",
    });
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new Refused(0, _("The hub cannot be reached."), null);
  }
  const text = await answer.text();
  let found = null;
  try {
    found = text ? JSON.parse(text) : null;
  } catch {
    found = null;
  }
  if (answer.status === 401 && !staysOn401) {
    toLogin();
    throw new Refused(401, _("Sign in first."), found);
  }
  if (!answer.ok) {
    const refused = new Refused(answer.status, said(found) || _("The hub answered {status}.", { status: answer.status }), found);
    refused.retryAfter = Number(answer.headers.get("Retry-After")) || null;
    throw refused;
  }
  return found;
}

// Each documented dialect has its own place for the sentence.
function said(body) {
  if (!body) return "";
  for (const candidate of [body.message, body.error, body.detail]) {
    if (typeof candidate === "string" && candidate) return candidate.charAt(0).toUpperCase() + candidate.slice(1);
  }
  return "";
}

export const get = (path, query, options) => call("GET", path, { query, ...options });
export const post = (path, body = {}, options) => call("POST", path, { body, ...options });
export const put = (path, body) => call("PUT", path, { body });
export const patch = (path, body) => call("PATCH", path, { body });
export const remove = (path, query) => call("DELETE", path, { query });
