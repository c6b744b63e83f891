// Links to files: for others, for a time, and only for their own sandbox.
import assert from "node:assert/strict";

import { Sandbox } from "e2b";

const [mine, theirs] = [await Sandbox.create(), await Sandbox.create()];
try {
  await mine.files.write("report.txt", "mine");
  await theirs.files.write("report.txt", "theirs");
  const link = await mine.downloadUrl("report.txt");
  assert.equal(await (await fetch(link)).text(), "mine");
  assert.equal(await (await fetch(await theirs.downloadUrl("report.txt"))).text(), "theirs");
  const foreign = new URL(link);
  foreign.searchParams.set("signature", `v1_${Buffer.alloc(32).toString("base64").replace("=", "")}`);
  assert.equal((await fetch(foreign)).status, 401);
  const changed = new URL(link);
  changed.searchParams.set("path", "/etc/shadow");
  assert.equal((await fetch(changed)).status, 401);
  const short = await mine.downloadUrl("report.txt", { useSignatureExpiration: 1 });
  await new Promise((resolve) => setTimeout(resolve, 2_100));
  const expired = await fetch(short);
  assert.deepEqual([expired.status, (await expired.json()).message], [401, "signature is already expired"]);
  const form = new FormData();
  form.append("file", new Blob(["through a link"]), "given.txt");
  const upload = await mine.uploadUrl(undefined, { useSignatureExpiration: 60 });
  assert.equal((await fetch(upload, { method: "POST", body: form })).status, 200);
  assert.equal(await mine.files.read("given.txt"), "through a link");
  await mine.kill();
  assert.equal((await fetch(link)).status, 401);
} finally {
  await Promise.all([mine.kill(), theirs.kill()]);
}
console.log("links done");
