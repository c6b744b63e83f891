import { Refusal } from "../answer.js";

/** A part of a form. Its content must be read before the next part. */
export interface Part {
  readonly name: string;
  readonly fileName: string | null;
  readonly content: AsyncIterable<Buffer>;
}

const MAX_HEAD_BYTES = 16_384;

/** The boundary in a content type; null when it is not a form. Throws 400 for a form without one. */
export function boundaryOf(contentType: string): string | null {
  if (!/^multipart\/form-data\s*;/i.test(contentType)) return null;
  const found = /;\s*boundary=(?:"([^"]{1,70})"|([^\s;]{1,70}))/i.exec(contentType);
  const boundary = found?.[1] ?? found?.[2];
  if (boundary === undefined) throw new Refusal(400, "The form has no boundary.");
  return boundary;
}

/** The parts of a form, as they arrive. Throws 400 when the form is not whole. */
export async function* readParts(body: AsyncIterable<Buffer>, boundary: string): AsyncGenerator<Part> {
  const reader = new Reader(body);
  // The first boundary has no line before it.
  reader.unread(Buffer.from("\r\n"));
  const mark = Buffer.from(`\r\n--${boundary}`);
  for await (const _ of reader.until(mark));
  while (!(await reader.isLast())) {
    const head = parseHead(await reader.head());
    const content = reader.until(mark);
    yield { ...head, content };
    for await (const _ of content);
  }
}

function parseHead(text: string): Pick<Part, "name" | "fileName"> {
  const disposition = /^content-disposition:(.*)$/im.exec(text)?.[1] ?? "";
  const field = (name: string) => {
    const found = new RegExp(`;\\s*${name}="((?:[^"\\\\]|\\\\.)*)"`, "i").exec(disposition);
    return found?.[1]?.replaceAll("%22", '"').replaceAll("%0D", "\r").replaceAll("%0A", "\n").replaceAll('\\"', '"');
  };
  const extended = /;\s*filename\*=utf-8''([^;\s]+)/i.exec(disposition)?.[1];
  const fileName = extended === undefined ? field("filename") : decode(extended);
  return { name: field("name") ?? "", fileName: fileName ?? null };
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    throw new Refusal(400, "A file name of the form is not in UTF-8.");
  }
}

class Reader {
  readonly #pieces: AsyncIterator<Buffer>;
  #held = Buffer.alloc(0);

  constructor(body: AsyncIterable<Buffer>) {
    this.#pieces = body[Symbol.asyncIterator]();
  }

  unread(bytes: Buffer): void {
    this.#held = Buffer.concat([bytes, this.#held]);
  }

  /** The bytes before a mark, which is read too. */
  async *until(mark: Buffer): AsyncGenerator<Buffer> {
    for (;;) {
      const at = this.#held.indexOf(mark);
      const size = at === -1 ? Math.max(this.#held.length - mark.length + 1, 0) : at;
      const bytes = this.#held.subarray(0, size);
      this.#held = this.#held.subarray(at === -1 ? size : at + mark.length);
      if (bytes.length > 0) yield bytes;
      if (at !== -1) return;
      await this.#more();
    }
  }

  /** Whether the boundary that was just read ends the form. */
  async isLast(): Promise<boolean> {
    while (this.#held.length < 2) await this.#more();
    const end = this.#held.subarray(0, 2).toString("latin1");
    this.#held = this.#held.subarray(2);
    if (end === "--") return true;
    if (end === "\r\n") return false;
    throw new Refusal(400, "The form is not well-formed.");
  }

  async head(): Promise<string> {
    for (;;) {
      const at = this.#held.indexOf("\r\n\r\n");
      if (at !== -1) {
        const text = this.#held.subarray(0, at).toString("utf8");
        // The content's mark begins with the line's end, also when the content is empty.
        this.#held = this.#held.subarray(at + 4);
        return text;
      }
      if (this.#held.length > MAX_HEAD_BYTES) throw new Refusal(400, "The head of a part is too long.");
      await this.#more();
    }
  }

  async #more(): Promise<void> {
    const { done, value } = await this.#pieces.next();
    if (done) throw new Refusal(400, "The form is not whole.");
    this.#held = Buffer.concat([this.#held, value]);
  }
}
