import { execFileSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

export const root = fileURLToPath(new URL("../../../", import.meta.url));

export interface Snippet {
  /** `README.md:99`, the line of the fence. */
  readonly place: string;
  readonly page: string;
  readonly language: string;
  readonly text: string;
}

/** The pages for users. */
export const userPages: readonly string[] = execFileSync("git", ["ls-files", "*.md"], { cwd: root, encoding: "utf8" })
  .split("\n")
  .filter(
    (page) =>
      /^(?:README|CONTRIBUTING|SECURITY)\.md$|^(?:docs|examples|python)\//.test(page) && !page.includes("/decisions/"),
  )
  .filter((page) => existsSync(join(root, page)));

/** Every fenced block with a language on these pages, as printed. */
export const snippets: readonly Snippet[] = userPages.flatMap(snippetsOf);

function snippetsOf(page: string): Snippet[] {
  const source = readFileSync(join(root, page), "utf8");
  return [...source.matchAll(/^```(\w+)\n([^]*?)^```$/gm)].map(({ index, 1: language = "", 2: text = "" }) => ({
    place: `${page}:${source.slice(0, index).split("\n").length}`,
    page,
    language,
    text,
  }));
}

export function snippetsIn(...languages: readonly string[]): readonly Snippet[] {
  return snippets.filter(({ language }) => languages.includes(language));
}

/** The commands of a block: in a console the text after `$ `, in a shell everything. */
export function commandsOf({ language, text }: Snippet): string {
  if (language !== "console") return text;
  const lines = text.split("\n").filter((line) => line.startsWith("$ "));
  return `${lines.map((line) => line.slice(2)).join("\n")}\n`;
}
