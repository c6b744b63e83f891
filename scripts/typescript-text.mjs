// The text of TypeScript declarations, formatted as Prettier would.
const WIDTH = 120;

export function renderFields(fields) {
  return fields
    .map(({ key, type, isOptional, doc }) => {
      const note = doc === "" ? "" : renderDoc(doc);
      return indent(`${note}readonly ${key}${isOptional ? "?" : ""}: ${type}${isOptional ? " | undefined" : ""};\n`);
    })
    .join("");
}

export function renderFunction({ doc, signature: [name, parameters, result], body }) {
  const line = `${name}(${parameters.join(", ")}): ${result} {`;
  const head =
    line.length + 2 <= WIDTH ? line : `${name}(\n${parameters.map((text) => `  ${text},\n`).join("")}): ${result} {`;
  return `\n${indent(`${renderDoc(doc)}${head}\n  ${body}\n}\n`)}`;
}

function renderDoc(text) {
  if (text.length + 9 <= WIDTH) return `/** ${text} */\n`;
  const lines = [""];
  for (const word of text.split(" ")) {
    const longer = lines.at(-1) === "" ? word : `${lines.at(-1)} ${word}`;
    if (longer.length + 5 <= WIDTH) lines[lines.length - 1] = longer;
    else lines.push(word);
  }
  return `/**\n${lines.map((line) => ` * ${line}\n`).join("")} */\n`;
}

function indent(text) {
  return text.replaceAll(/^(?=.)/gm, "  ");
}

export function renderImport(names, file) {
  const line = `import type { ${names.join(", ")} } from "./${file}.js";\n`;
  if (line.length <= WIDTH + 1) return line;
  return `import type {\n${names.map((name) => `  ${name},\n`).join("")}} from "./${file}.js";\n`;
}

/** The field's meaning, its limits and its default. Flags that a description names are options here. */
export function describeInput({ description = "", minimum, maximum, default: fallback }) {
  const text = description.replaceAll(/--([a-z][a-z-]*)/g, (_, flag) => `\`${camelOf(flag.replaceAll("-", "_"))}\``);
  const isBounded = maximum !== undefined && maximum !== Number.MAX_SAFE_INTEGER;
  const isPlain = fallback === undefined || (typeof fallback === "object" && Object.keys(fallback).length === 0);
  const facts = [
    ...(isBounded ? [`${minimum} to ${maximum}`] : []),
    ...(isPlain ? [] : [`default ${JSON.stringify(fallback)}`]),
  ];
  return facts.length === 0 ? text : `${text.replace(/\.$/, "")} (${facts.join(", ")}).`;
}

export function camelOf(name) {
  return name.replaceAll(/_([a-z0-9])/g, (_, letter) => letter.toUpperCase());
}
