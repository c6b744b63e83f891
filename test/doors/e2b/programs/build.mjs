// A template that a program builds from files, commands and a server, and sandboxes that start from it.
import assert from "node:assert/strict";
import { mkdtempSync, mkdirSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { BuildError, Sandbox, Template, waitForURL } from "e2b";

const files = mkdtempSync(join(tmpdir(), "pt-build-"));
mkdirSync(join(files, "site"));
writeFileSync(join(files, "site", "index.html"), "built");
symlinkSync("index.html", join(files, "site", "link.html"));
writeFileSync(join(files, "one.txt"), "one");

const build = async (template, name, options = {}) => {
  const lines = [];
  const info = await Template.build(template, name, { ...options, onBuildLogs: ({ message }) => lines.push(message) });
  return { ...info, log: lines.join("\n") };
};

const sandboxes = [];
try {
  assert.equal(await Template.exists("web"), false);
  const base = Template({ fileContextPath: files })
    .fromTemplate("base")
    .setEnvs({ PLACE: "there" })
    .copy("site/*", "/srv/site", { mode: 0o755 })
    .copy("one.txt", "copied/", { user: "root" })
    .runCmd(["echo $PLACE > note", "id -un >> note", "pwd >> note"])
    .runCmd("touch /root/by-root && echo from-root", { user: "root" })
    .setWorkdir("/srv/work");
  const first = await build(base, "web:v1", { cpuCount: 1, memoryMB: 512, skipCache: true });
  assert.match(first.log, /from-root/);
  assert.equal(await Template.exists("web"), true);

  const sandbox = await Sandbox.create("web:v1");
  sandboxes.push(sandbox);
  const run = async (line) => (await sandbox.commands.run(line)).stdout.trim();
  assert.equal(await run("cat /home/user/note"), "there\nuser\n/home/user");
  assert.equal(await run("cat /srv/site/link.html; readlink /srv/site/link.html"), "builtindex.html");
  assert.equal(await run("stat -c '%U %a' /srv/site/index.html /home/user/copied/one.txt"), "user 755\nroot 644");
  assert.equal(await run("pwd; id -un; sudo ls /root; ls -d /.e2b-copies || true"), "/srv/work\nuser\nby-root");
  assert.equal((await sandbox.getInfo()).memoryMB, 512);
  await assert.rejects(Sandbox.create("web"), /not found/);

  // A server that runs already when a sandbox starts.
  const served = Template()
    .fromTemplate("web:v1")
    .setUser("root")
    .setStartCmd("python3 -m http.server 8000 --directory /srv/site", waitForURL("http://127.0.0.1:8000/"));
  const second = await build(served, "web");
  assert.equal(second.templateId, first.templateId);
  const other = await Sandbox.create("web");
  sandboxes.push(other);
  assert.equal((await other.commands.run("curl -s http://127.0.0.1:8000/; id -un")).stdout, "builtroot\n");

  await Template.assignTags("web:v1", ["stable", "v2"]);
  await Template.removeTags("web", "v1");
  const tags = (await Template.getTags("web")).map(({ tag }) => tag);
  assert.deepEqual(tags.sort(), ["default", "stable", "v2"]);
  await assert.rejects(Template.assignTags("web:v1", "again"), /not found/);

  await assert.rejects(build(Template().fromTemplate("web:v2").runCmd("echo so >&2; false"), "web:bad"), (error) => {
    assert.ok(error instanceof BuildError);
    assert.match(error.message, /failed to run command 'echo so >&2; false': so/);
    return true;
  });
  await assert.rejects(
    build(Template().fromTemplate("web:v2").runCmd("true", { user: "nobody2" }), "web:bad"),
    /invalid username: 'nobody2'/,
  );
} finally {
  await Promise.all(sandboxes.map((each) => each.kill()));
  rmSync(files, { recursive: true });
}
console.log("build done");
