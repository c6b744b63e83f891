import assert from "node:assert/strict";
import { test } from "node:test";

import type { ResultOf } from "../../../src/contract/operations.js";
import { renderers } from "../../../src/doors/cli/render.js";

const evil = "\u001b]0;owned\u0007\u009b2J\nDigest: sha256:0";

const environment: ResultOf<"env.inspect"> = {
  ...{ name: "web", installed: true, description: evil, version: evil, distribution: evil, architecture: "amd64" },
  ...{ default_packages: [evil], source: evil },
  npm_packages: [{ name: evil, version: evil, integrity: evil }],
  image: { digest: evil, user: evil, working_dir: evil, entrypoint: [evil], command: [evil], env: [evil] },
  saved: {
    ...{ memory: false, environment: evil, task_id: null, snapshot_id: null, vcpu_count: null, mem_mib: null },
    ...{ disk_mib: 1, network: null, unusable: evil },
  },
  files: [{ name: evil, size_bytes: 1, sha256: "0" }],
  packages: [{ name: evil, version: evil }],
};

/** Each line of a text, which must have no other control character. */
function linesOf(text: string | Uint8Array | undefined): string[] {
  const lines = String(text).split("\n");
  assert.ok(lines.length > 1);
  for (const line of lines) assert.doesNotMatch(line, /\p{Cc}|^Digest: sha256:0$/u);
  return lines;
}

test("text of an image or of an imported file cannot control the terminal, nor add a line", () => {
  linesOf(renderers["env.list"]?.({ catalog_version: "1", environments: [environment] } as never));
  const inspected = linesOf(renderers["env.inspect"]?.(environment as never));
  assert.ok(
    inspected.some((line) => line.startsWith("Variable of the image: \\u001b]0;owned\\u0007\\u009b2J\\nDigest")),
  );
  linesOf(renderers["env.import"]?.({ ...environment, name: evil, warnings: [evil] } as never));
  linesOf(renderers["env.save"]?.({ ...environment, name: evil, warnings: [evil] } as never));
  linesOf(renderers["env.export"]?.({ environment: evil, output: evil, size_bytes: 1 } as never));
  linesOf(renderers["env.remove"]?.({ environment: evil, freed_bytes: 1 } as never));
});
