import assert from "node:assert/strict";

import type { Answer } from "./runner.js";

const TIME = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/;
const TIMES = new Set(["created_at", "expires_at", "started_at", "last_activity_at", "modified_at", "ready_at", "at"]);
const FIGURES = new Set([
  "duration_ms",
  "possible",
  "memory_bytes",
  "memory_reserved_mib",
  "needed_mib",
  "disk_bytes",
  "available_mib",
  "uptime_seconds",
  "room_bytes",
  "free_mib",
]);

/** An answer without the values that differ from call to call: ids, times and measurements are replaced by their kind. */
export function normalize(answer: Answer): unknown {
  return walk(answer, "");
}

function walk(value: unknown, key: string): unknown {
  if (value === null || value === undefined) return value;
  if (TIMES.has(key)) {
    assert.match(String(value), TIME);
    return "a time";
  }
  if (FIGURES.has(key)) {
    assert.ok(Number.isInteger(value));
    return "a figure";
  }
  if (typeof value === "string") {
    const text = value.replaceAll(/\b(task|vm|snap)-[0-9a-f]{12}\b/g, "$1-id");
    return key === "message" ? text.replaceAll(/\d+ (MiB|more VMs)/g, "N $1") : text;
  }
  if (Array.isArray(value)) return value.map((element) => walk(element, key));
  if (typeof value !== "object") return value;
  return Object.fromEntries(Object.entries(value).map(([name, field]) => [name, walk(field, name)]));
}
