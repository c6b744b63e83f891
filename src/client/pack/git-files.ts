import { PyroError } from "../../contract/errors.js";
import { runTool, type ToolResult } from "../../host/tool.js";

/** No hook, no file system monitor and no pager of the repository's own runs, and nothing is fetched. */
const SETTINGS = ["core.fsmonitor=false", "core.hooksPath=/dev/null", "core.pager=cat"];
const SUBMODULE = "160000";

/** The files of a work tree that Git tracks, and those it would offer to add. Paths are relative to the source. */
export class GitFiles {
  readonly #files = new Set<string>();
  readonly #directories = new Set<string>();
  /** The `.git` of the work tree and of each repository in it. */
  readonly #data: string[] = [];

  /**
   * Lists files with the host's `git`, also of repositories within this one. Files that match `include` are added even if Git ignores them.
   * Throws SOURCE_UNSUPPORTED when this is not a work tree, and HOST_NOT_ABLE without git.
   */
  static async list(root: string, include: readonly string[], signal?: AbortSignal): Promise<GitFiles> {
    const found = new GitFiles();
    await found.#addRepository(root, "", signal);
    if (include.length === 0) return found;
    const patterns = include.map((pattern) => `--exclude=${pattern}`);
    const { stdout } = await runGit(root, ["ls-files", "-z", "--others", "--ignored", ...patterns], signal);
    for (const name of linesOf(stdout)) found.#add(name);
    return found;
  }

  has(path: string, isDirectory: boolean): boolean {
    return (isDirectory ? this.#directories : this.#files).has(path);
  }

  /** True for the data of a repository: its `.git` and the entries in it. */
  isData(path: string): boolean {
    return this.#data.some((data) => path === data || path.startsWith(`${data}/`));
  }

  async #addRepository(root: string, path: string, signal: AbortSignal | undefined): Promise<void> {
    const directory = path === "" ? root : `${root}/${path}`;
    const [tracked, others] = await Promise.all([
      runGit(directory, ["ls-files", "-z", "--stage"], signal),
      runGit(directory, ["ls-files", "-z", "--others", "--exclude-standard"], signal),
    ]);
    if (tracked.exitCode !== 0 || others.exitCode !== 0) {
      // A submodule that was never fetched is an empty directory.
      if (path !== "") return;
      throw noWorkTree(root, tracked.stderr || others.stderr);
    }
    const within = (name: string) => (path === "" ? name : `${path}/${name}`);
    this.#data.push(within(".git"));
    const repositories: string[] = [];
    for (const line of linesOf(tracked.stdout)) {
      const name = within(line.slice(line.indexOf("\t") + 1));
      if (line.startsWith(SUBMODULE)) repositories.push(name);
      else this.#add(name);
    }
    for (const name of linesOf(others.stdout)) {
      if (name.endsWith("/")) repositories.push(within(name.slice(0, -1)));
      else this.#add(within(name));
    }
    for (const repository of repositories) {
      this.#addDirectory(repository);
      if (await isRepository(`${root}/${repository}`, signal)) await this.#addRepository(root, repository, signal);
    }
  }

  #add(path: string): void {
    this.#files.add(path);
    this.#addDirectory(path.slice(0, Math.max(0, path.lastIndexOf("/"))));
  }

  #addDirectory(path: string): void {
    for (let at = path; at !== "" && !this.#directories.has(at); at = at.slice(0, Math.max(0, at.lastIndexOf("/")))) {
      this.#directories.add(at);
    }
  }
}

/** Directories and files of a work tree that Git ignores; of an ignored directory only its own path. */
export async function listIgnored(root: string): Promise<ReadonlySet<string>> {
  const args = ["ls-files", "-z", "--others", "--ignored", "--exclude-standard", "--directory"];
  const { exitCode, stdout, stderr } = await runGit(root, args, undefined);
  if (exitCode !== 0) throw noWorkTree(root, stderr);
  return new Set(linesOf(stdout).map((name) => name.replace(/\/$/, "")));
}

/** True when the directory is the top of a work tree. Without this the files of the repository around an empty one would be listed. */
async function isRepository(directory: string, signal: AbortSignal | undefined): Promise<boolean> {
  const { exitCode, stdout } = await runGit(directory, ["rev-parse", "--show-prefix"], signal);
  return exitCode === 0 && stdout.trim() === "";
}

function linesOf(output: string): string[] {
  return output.split("\0").filter((line) => line !== "");
}

async function runGit(
  directory: string,
  args: readonly string[],
  signal: AbortSignal | undefined,
): Promise<ToolResult> {
  const given = Object.entries(process.env).filter(
    ([name]) => !name.startsWith("GIT_") || name.startsWith("GIT_CONFIG_"),
  );
  const env = {
    ...Object.fromEntries(given),
    ...{
      GIT_OPTIONAL_LOCKS: "0",
      GIT_TERMINAL_PROMPT: "0",
      GIT_NO_LAZY_FETCH: "1",
      GIT_ALLOW_PROTOCOL: "none",
      LC_ALL: "C",
    },
  };
  try {
    const options = SETTINGS.flatMap((setting) => ["-c", setting]);
    return await runTool("git", ["-C", directory, ...options, ...args], { env, signal });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw error;
    throw new PyroError("HOST_NOT_ABLE", "`--git-tracked` and `--with-git` need `git`, which this machine lacks.", {
      hint: "Install git, or choose the files with `--exclude`.",
      cause: error,
    });
  }
}

function noWorkTree(root: string, stderr: string): PyroError {
  const [said = ""] = stderr.trim().split("\n");
  return new PyroError("SOURCE_UNSUPPORTED", `Git cannot list the files of ${root}: ${said.replace(/^fatal: /, "")}`, {
    hint: "Name a directory in a Git work tree, or leave out --git-tracked and choose the files with --exclude.",
    details: { path: root },
  });
}
