import assert from "node:assert/strict";
import { test } from "node:test";

import type { Environment } from "../../../src/contract/environment.js";
import { renderEnvironments } from "../../../src/doors/cli/env-list.js";

const NOW = Date.parse("2026-11-30T12:00:00Z");
const common = { version: "1", installed: true, distribution: "x", architecture: "amd64", default_packages: [] };
const facts = { digest: "a".repeat(64), size_bytes: 349 * 2 ** 20, pulled_at: "2026-11-27T11:00:00.000Z" };
const source_digest = `sha256:${"b".repeat(64)}`;
const saved = {
  ...{ memory: true, environment: "debian:12", task_id: "task-1", snapshot_id: null, vcpu_count: 1, mem_mib: 256 },
  ...{ disk_mib: 1, network: false, unusable: null },
};
const image = "localhost:5000/busybox:latest";

const environments: Environment[] = [
  { ...common, name: "debian:12", description: "Debian", installed: false, source: "Debian packages, built here" },
  { ...common, ...facts, name: "debian:13", description: "Debian", source: "Debian packages, built here" },
  {
    ...{ ...common, ...facts, name: image, description: "Image of a registry", source: image, source_digest },
    moved_to: `sha256:${"c".repeat(64)}`,
  },
  { ...common, ...facts, name: "rootfs:/a.tar", description: "Root", source: "/a.tar" },
  { ...common, ...facts, name: "web:1", description: "Saved", source: "a task", saved },
  { ...common, ...facts, name: "web:2", description: "Saved", source: "a task", saved: { ...saved, task_id: null } },
  {
    ...{ ...common, ...facts, name: "web:3", description: "Built", source: "a build", saved },
    built: { base: "debian:12", user: "root", workdir: "/", steps: [] },
  },
];

test("env list shows the size, age, digest and origin of each environment", () => {
  const text = renderEnvironments({ catalog_version: "2", environments }, NOW);
  const [first, ...rows] = text
    .trimEnd()
    .split("\n")
    .map((line) => line.split(/ {2,}/));
  assert.deepEqual(first, ["Catalog version: 2"]);
  const seen = ["349M", "3d", "aaaaaaaaaaaa"];
  assert.deepEqual(rows, [
    ["NAME", "STATE", "SIZE", "AGE", "DIGEST", "ORIGIN", "DESCRIPTION"],
    ["debian:12", "not installed", "-", "-", "-", "Debian packages", "Debian"],
    ["debian:13", "installed", ...seen, "Debian packages", "Debian"],
    [
      ...[image, "installed", "349M", "3d", "bbbbbbbbbbbb", "registry"],
      "Image of a registry; its tag has moved to cccccccccccc",
    ],
    ["rootfs:/a.tar", "installed", ...seen, "file", "Root"],
    ["web:1", "saved with memory", ...seen, "task-1", "Saved"],
    ["web:2", "saved with memory", ...seen, "import", "Saved"],
    ["web:3", "built", ...seen, "build on debian:12", "Built"],
  ]);
});
