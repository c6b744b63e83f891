import { quoteCommand } from "../../contract/quote.js";
import { PyroError } from "../../contract/errors.js";

/** A value in a template: a word, or a list of words. Each word arrives unchanged. */
export type ShellValue = string | number | readonly (string | number)[];

/**
 * A command line in which every value is quoted for the shell: `` sh`git clone ${url} ${options}` ``. A list becomes a word for
 * each of its elements; backslashes reach the shell as they are typed. Throws `INVALID_ARGUMENT` where quoting cannot protect: within quotes, comments and here-documents.
 */
export function sh(texts: TemplateStringsArray, ...values: readonly ShellValue[]): string {
  let line = "";
  let place: Place = "plain";
  for (const [index, text] of texts.raw.entries()) {
    line += text;
    place = follow(text, place);
    if (index === values.length) break;
    if (place !== "plain") {
      throw new PyroError("INVALID_ARGUMENT", `A value is ${places[place]}, where quoting cannot protect it.`, {
        hint: "pyro quotes values itself: leave the quotes out, or pass the value through `env` or `stdin`.",
        details: { value_index: index },
      });
    }
    line += quote(values[index] as ShellValue);
  }
  return line;
}

const places = {
  "'": "within single quotes",
  '"': "within double quotes",
  "\\": "after a backslash",
  "#": "in a comment",
  "<<": "after a here-document",
  "$'": "after a string of the kind $'…'",
} as const;

type Place = "plain" | keyof typeof places;

/** The state of a shell after it has read a text. */
function follow(text: string, from: Place): Place {
  let place = from;
  let before = "";
  for (let index = 0; index < text.length; index += 1) {
    const letter = text[index] as string;
    if (letter === "\\" && place !== "'" && place !== "#") {
      if (index === text.length - 1) return "\\";
      index += 1;
    } else if (place === "plain") {
      place = enter(letter, before);
      if (place === "<<" || place === "$'") return place;
    } else if (letter === (place === "#" ? "\n" : place)) place = "plain";
    before = letter;
  }
  return place;
}

function enter(letter: string, before: string): Place {
  if (letter === "'" && before === "$") return "$'";
  if (letter === "'" || letter === '"') return letter;
  if (letter === "#" && /^[\s;&|()]?$/.test(before)) return "#";
  return letter === "<" && before === "<" ? "<<" : "plain";
}

function quote(value: ShellValue): string {
  const words = typeof value === "object" ? value : [value];
  return words.map((word) => quoteCommand([String(word)])).join(" ");
}
