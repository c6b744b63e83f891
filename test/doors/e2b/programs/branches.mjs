// A sandbox that is prepared once, saved, and started many times; and one that is copied while it works.
import assert from "node:assert/strict";

import { Sandbox } from "e2b";

const sandbox = await Sandbox.create();
const others = [];
try {
  await sandbox.files.write("prepared", "yes");
  const counting = await sandbox.commands.run("i=0; while true; do i=$((i+1)); echo $i > count; sleep 0.2; done", {
    background: true,
  });
  while (!(await sandbox.files.exists("count"))) await new Promise((resolve) => setTimeout(resolve, 100));
  const { snapshotId } = await sandbox.createSnapshot();
  const copies = await Promise.all([Sandbox.create(snapshotId), Sandbox.create(snapshotId)]);
  others.push(...copies);
  for (const copy of copies) {
    assert.equal(await copy.files.read("prepared"), "yes");
    const before = Number(await copy.files.read("count"));
    while (Number(await copy.files.read("count")) <= before) await new Promise((resolve) => setTimeout(resolve, 100));
  }
  await copies[0].files.write("prepared", "changed");
  assert.equal(await copies[1].files.read("prepared"), "yes");
  assert.equal(await Sandbox.deleteSnapshot(snapshotId), true);
  assert.equal(await Sandbox.deleteSnapshot(snapshotId), false);
  await counting.kill();
} finally {
  await Promise.all([sandbox, ...others].map((each) => each.kill()));
}
console.log("branches done");
