import { execFileSync } from "node:child_process";
import { mkdirSync, symlinkSync } from "node:fs";
import { join } from "node:path";

/** Git repositories for each place outside `.git` where their data can be. */
export function layOutRepositories(scratch: string): void {
  const settings = ["user.name=a", "user.email=a@b", "protocol.file.allow=always", "init.defaultBranch=trunk"];
  const env = { ...process.env, GIT_CONFIG_GLOBAL: "/dev/null", GIT_CONFIG_SYSTEM: "/dev/null" };
  const git = (directory: string, ...args: string[]) =>
    execFileSync("git", [...settings.flatMap((setting) => ["-c", setting]), ...args], {
      cwd: join(scratch, directory),
      env,
      stdio: ["ignore", "ignore", "pipe"],
    });
  for (const name of ["main", "super", "outer"]) {
    git("", "init", "--quiet", name);
    git(name, "commit", "--quiet", "--allow-empty", "--message", "first");
  }
  git("main", "worktree", "add", "--quiet", "../worktree");
  git("super", "submodule", "--quiet", "add", "../main", "sub");
  git("", "clone", "--quiet", "--shared", "main", "shared");
  git("", "init", "--quiet", "--separate-git-dir", join(scratch, "separate-data"), "separate");
  git("outer", "worktree", "add", "--quiet", "trees/inner");
  mkdirSync(join(scratch, "linked"));
  symlinkSync("../main/.git", join(scratch, "linked/.git"));
}
