import { push, run, sh, type Case } from "./case.js";

/** Sources whose sent files depend on Git. */
export const git: readonly Case[] = [
  {
    name: "tracked files of an archive",
    ...run(["true"], { source_path: "$source/tree.tgz", git_tracked: true }),
    expect: "SOURCE_UNSUPPORTED",
    clientOnly: true,
  },
  {
    name: "tracked files without a source",
    ...run(["true"], { git_tracked: true }),
    expect: "INVALID_ARGUMENT",
  },
  {
    name: "tracked files of a directory without Git",
    ...push("tree", { git_tracked: true, with_git: true }),
    expect: "SOURCE_UNSUPPORTED",
    clientOnly: true,
  },
  {
    name: "files that Git does not ignore",
    ...push("repository", { git_tracked: true, dest: "/workspace/tracked" }),
    expect: { mode: "directory", entry_count: 3 },
    clientOnly: true,
  },
  {
    name: "the same with the data of Git",
    ...run(sh("ls -A | grep -v log; ls .git/index"), {
      source_path: "$source/repository",
      git_tracked: true,
      with_git: true,
    }),
    expect: { exit_code: 0, stdout: ".git\n.gitignore\ntracked\nunknown\n.git/index\n" },
    clientOnly: true,
  },
];
