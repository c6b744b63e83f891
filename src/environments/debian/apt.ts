import { join } from "node:path";

import { mkdir, writeFile } from "../../host/files.js";
import type { PackageSource } from "./package-source.js";
import { runCommand } from "./tools.js";

/** A package as apt has chosen it. */
export interface ChosenPackage {
  readonly name: string;
  readonly version: string;
  readonly sizeBytes: number;
  /** The digest, after the name of its algorithm; empty where apt prints none. */
  readonly digest: string;
}

interface AptOptions {
  readonly signal: AbortSignal;
  readonly onLine?: (line: string) => void;
}

interface AptPlace {
  /** The directory of its lists and its cache. */
  readonly directory: string;
  readonly source: PackageSource;
  /** Settings of proxies, as apt's options are written. */
  readonly proxies: readonly string[];
  /** The error of a command of apt that failed, from its output. */
  readonly failure: (lines: readonly string[], directory: string) => Promise<Error>;
}

const KEPT_LINES = 200;

/** A separate apt beneath a directory: its lists, its cache, and no installed package. It reads nothing of the host's apt. */
export class PrivateApt {
  /** The directory for the packages. */
  readonly archives: string;
  readonly #place: AptPlace;

  private constructor(place: AptPlace) {
    this.#place = place;
    this.archives = join(place.directory, "cache/archives");
  }

  static async make(place: AptPlace): Promise<PrivateApt> {
    const { directory, source, proxies } = place;
    const apt = new PrivateApt(place);
    await mkdir(join(directory, "lists/partial"), { recursive: true });
    await mkdir(join(apt.archives, "partial"), { recursive: true });
    await mkdir(join(directory, "tmp"));
    await writeFile(join(directory, "status"), "");
    await writeFile(join(directory, "sources.list"), `${source.lines.join("\n")}\n`);
    await writeFile(join(directory, "apt.conf"), renderConfig(directory, proxies));
    return apt;
  }

  async update(options: AptOptions): Promise<void> {
    await this.#run("apt-get", ["update"], options);
  }

  /** The packages to fetch: these with all their dependencies, and others without dependencies. */
  async choose(whole: readonly string[], alone: readonly string[], options: AptOptions): Promise<ChosenPackage[]> {
    const lists = [
      await this.#run("apt-get", ["install", "--yes", "--print-uris", ...whole], options),
      await this.#run("apt-get", ["download", "--print-uris", ...alone], options),
    ];
    return lists.flatMap((text) => text.split("\n").flatMap(parseUri));
  }

  /** The packages that a package depends on. */
  async listDependencies(name: string, options: AptOptions): Promise<string[]> {
    const text = await this.#run("apt-cache", ["depends", name], options);
    return text.split("\n").flatMap((line) => /^\s*Depends: ([a-z0-9][a-z0-9+.-]*)$/.exec(line)?.[1] ?? []);
  }

  /** Fetches them. Apt checks each against the digest in the signed lists. */
  async download(whole: readonly string[], alone: readonly string[], options: AptOptions): Promise<void> {
    if (whole.length > 0) await this.#run("apt-get", ["install", "--yes", "--download-only", ...whole], options);
    await this.#run("apt-get", ["download", ...alone], options);
  }

  async #run(program: "apt-get" | "apt-cache", words: readonly string[], options: AptOptions): Promise<string> {
    const { signal, onLine } = options;
    const { directory, failure } = this.#place;
    const lines: string[] = [];
    const note = (line: string) => {
      lines.push(line);
      if (lines.length > KEPT_LINES) lines.shift();
      onLine?.(line);
    };
    // A sweep looks for this path in command lines, to find processes that a killed daemon left.
    const command = [program, "-o", `Dir::Cache=${join(directory, "cache")}`, ...words];
    const { exitCode, stdout } = await runCommand(command, {
      signal,
      cwd: this.archives,
      // A killed apt leaves its temporary files there, so they are removed with the directory.
      temporaryDirectory: join(directory, "tmp"),
      env: { APT_CONFIG: join(directory, "apt.conf") },
      onStderrLine: note,
      onStdoutLine: note,
    });
    if (exitCode !== 0) throw await failure(lines, directory);
    return stdout;
  }
}

function renderConfig(directory: string, proxies: readonly string[]): string {
  const settings: Readonly<Record<string, string>> = {
    "Dir::Etc::main": "/dev/null",
    "Dir::Etc::parts": "/dev/null",
    "Dir::Etc::preferences": "/dev/null",
    "Dir::Etc::preferencesparts": "/dev/null",
    "Dir::Etc::sourcelist": join(directory, "sources.list"),
    "Dir::Etc::sourceparts": "/dev/null",
    "Dir::State": directory,
    "Dir::State::lists": join(directory, "lists"),
    "Dir::State::status": join(directory, "status"),
    "Dir::Log": directory,
    "APT::Architecture": "amd64",
    "APT::Architectures": "amd64",
    "APT::Install-Recommends": "false",
    // The user of apt cannot enter the home.
    "APT::Sandbox::User": "root",
    // A list that cannot be fetched is a failure, not a warning.
    "APT::Update::Error-Mode": "any",
    "Acquire::Languages": "none",
    "Acquire::Retries": "2",
    "Acquire::Retries::Delay": "false",
  };
  const lines = Object.entries(settings).map(([name, value]) => `${name} "${value}";`);
  return `${[...lines, ...proxies.map((setting) => `${setting};`)].join("\n")}\n`;
}

/** A line such as `'http://…/qemu_1%3a10.0_amd64.deb' qemu_1%3a10.0_amd64.deb 1234 SHA256:…`; nothing for any other. */
function parseUri(line: string): ChosenPackage[] {
  const [, file = "", size, digest = ""] = /^'[^']+' (\S+\.deb) (\d+) (\S*)$/.exec(line) ?? [];
  const [name = "", version = ""] = file.split("_");
  if (version === "") return [];
  return [{ name, version: decodeURIComponent(version), sizeBytes: Number(size), digest }];
}
