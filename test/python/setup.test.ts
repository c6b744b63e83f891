import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";

import { withSetupDigest } from "../../src/client/setup-digest.js";
import { temporaryDirectory } from "../store/scratch.js";
import { python } from "./run.js";

const SCRIPT = `
import sys
from pyro_mcp._setup import setup_digest
print(setup_digest({"setup": "true", "setup_key": sys.argv[1:]}))
`;

test("the Python client computes the digest of a setup's key files as the others do", async (t) => {
  const directory = temporaryDirectory(t);
  const setup_key = ["lock", "other"].map((name) => join(directory, name));
  for (const path of setup_key) writeFileSync(path, `content of ${path}`);
  const { setup_digest } = await withSetupDigest({ environment: "debian:12", setup: "true", setup_key });
  const { stdout } = await python(["-c", SCRIPT, ...setup_key], {});
  assert.equal(stdout.trim(), setup_digest);
});
