import assert from "node:assert/strict";
import { mkdirSync, readdirSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";

import type { CallOptions } from "../../src/client/client.js";
import { performOperation } from "../../src/client/perform.js";
import { PyroError } from "../../src/contract/errors.js";
import type { ArgumentsOf } from "../../src/contract/operations.js";
import { TaskScratch } from "../faults/task-scratch.js";

const SMALL = { mem_mib: 256 };

test("env build: each step is kept, a second build runs none, and what is built keeps its files, user, variables and directory", async () => {
  await using scratch = new TaskScratch();
  const build = (input: ArgumentsOf<"env.build">, options: CallOptions = {}) =>
    performOperation(scratch.client, "env.build", { ...SMALL, ...input }, options);
  const sources = join(scratch.directory, "sources");
  mkdirSync(join(sources, "inner"), { recursive: true });
  writeFileSync(join(sources, "inner", "file"), "content\n");
  symlinkSync("inner/file", join(sources, "link"));
  const tool = join(scratch.directory, "tool.tgz");
  writeFileSync(tool, "no archive\n", { mode: 0o755 });
  const script = join(scratch.directory, "script");
  writeFileSync(script, "#!/usr/bin/env python3\nopen('/opt/by-script', 'w').write('python')\n");
  const steps = {
    from: "debian:12",
    copy: [`${sources}:/opt/a`, `${tool}:/usr/local/bin/`],
    run: [
      "useradd -m -u 1234 web && echo $MODE | tee /opt/mode && echo 'web ALL=(ALL) NOPASSWD: ALL' >/etc/sudoers.d/web",
    ],
    ...{ script, env: { MODE: "a 'b'" }, user: "web", workdir: "/srv/new" },
  };

  const failed = await build({ name: "web:1", from: "debian:12", run: ["echo why >&2; exit 3"] }).catch(PyroError.from);
  assert.ok(failed instanceof PyroError);
  const { reason, exit_code, stderr } = failed.details;
  assert.deepEqual([failed.code, reason, exit_code, stderr], ["ENVIRONMENT_BUILD_FAILED", "step", 3, "why\n"]);

  const output: Buffer[] = [];
  const first = await build(
    { name: "web:1", ...steps },
    { onEvent: (event) => void (event.event === "stdout" && output.push(Buffer.from(event.data))) },
  );
  assert.equal(Buffer.concat(output).toString(), "a 'b'\n");
  assert.deepEqual([first.built, first.steps.map(({ cached }) => cached)], [true, Array(6).fill(false)]);
  const second = await build({ name: "web:2", ...steps });
  assert.deepEqual([second.built, second.digest], [false, first.digest]);
  assert.ok(second.steps.every(({ cached }) => cached));
  writeFileSync(join(sources, "inner", "file"), "changed\n");

  // Built on web:2, which has the old content; its user, variables and directory are inherited.
  const show =
    "cat /opt/a/link /opt/by-script; tail -n 1 /usr/local/bin/tool.tgz; stat -c '%U %G %a' /opt/a/link /srv/new";
  const third = await build(
    { name: "web:3", from: "web:2", run: [show] },
    { onEvent: (event) => void (event.event === "stdout" && output.push(Buffer.from(event.data))) },
  );
  assert.equal(Buffer.concat(output.splice(1)).toString(), "content\npythonno archive\nroot root 777\nweb web 755\n");
  assert.deepEqual([third.built, third.steps.length], [true, 2]);
  await scratch.client.call("env.remove", { environment: "web:1" });
  const ran = await scratch.client.call("vm.run", {
    ...{
      environment: "web:2",
      command: 'id -un; sudo -n id -un; pwd; echo "$MODE"; touch /workspace/made made && stat -c %U made',
      ...SMALL,
    },
  });
  assert.equal(ran.stdout, "web\nroot\n/srv/new\na 'b'\nweb\n");

  const names = async () =>
    (await scratch.client.call("env.list", {})).environments.flatMap(({ name, built }) => (built ? [name] : []));
  assert.deepEqual(await names(), ["web:2", "web:3"]);
  const below = await scratch.failureHere("env.remove", { environment: "debian:12" });
  assert.deepEqual([below.code, below.details["needed_by"]], ["FAILED_PRECONDITION", ["web:2", "web:3"]]);
  // The prune removes the results of steps in between; results with a name stay.
  await scratch.client.call("env.prune", {});
  assert.equal(readdirSync(join(scratch.home, "saved")).length, 2);
  for (const environment of ["web:2", "web:3"]) await scratch.client.call("env.remove", { environment });
  for (const place of ["saved", "built", "build-sources"]) assert.deepEqual(readdirSync(join(scratch.home, place)), []);
  assert.deepEqual((await scratch.client.call("task.list", {})).tasks, []);
});
