/** The wire's names in TypeScript's spelling: `mem_mib` becomes `memMib`. */
type CamelKey<Key extends string> = Key extends `${infer Head}_${infer Tail}`
  ? `${Head}${Capitalize<CamelKey<Tail>>}`
  : Key;

/** A contract type in the SDK's spelling. Keys that are data, such as names of variables, stay unchanged. */
export type CamelOf<Value> = Value extends string
  ? Value
  : Value extends readonly (infer Element)[]
    ? readonly CamelOf<Element>[]
    : Value extends object
      ? string extends keyof Value
        ? Readonly<Value>
        : { readonly [Key in keyof Value as CamelKey<Key & string>]: CamelOf<Value[Key]> }
      : Value;

/** The part of JSON Schema that decides which keys are names and which are data. */
export interface Schema {
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly items?: Schema;
  readonly anyOf?: readonly Schema[];
}

/** A value of the wire with its names in camel case. */
export function toCamel(value: unknown, schema: Schema): unknown {
  return convert(value, schema, (properties) =>
    Object.fromEntries(Object.entries(properties).map(([name, inner]) => [name, [camelOf(name), inner]])),
  );
}

/** The inverse. Unknown names are passed on, so that the daemon can refuse them. */
export function toSnake(value: unknown, schema: Schema): unknown {
  return convert(value, schema, (properties) =>
    Object.fromEntries(Object.entries(properties).map(([name, inner]) => [camelOf(name), [name, inner]])),
  );
}

type Names = Readonly<Record<string, readonly [name: string, schema: Schema]>>;

function convert(value: unknown, schema: Schema, namesOf: (properties: NonNullable<Schema["properties"]>) => Names) {
  const walk = (inner: unknown, { properties, items, anyOf }: Schema): unknown => {
    if (typeof inner !== "object" || inner === null) return inner;
    const variant = anyOf?.find((candidate) => (Array.isArray(inner) ? candidate.items : candidate.properties));
    if (variant) return walk(inner, variant);
    if (Array.isArray(inner)) return items ? inner.map((element) => walk(element, items)) : inner;
    if (!properties) return inner;
    const names = namesOf(properties);
    return Object.fromEntries(
      Object.entries(inner).map(([key, field]) => {
        const [name, fieldSchema] = (Object.hasOwn(names, key) ? names[key] : undefined) ?? [key, {}];
        return [name, walk(field, fieldSchema)];
      }),
    );
  };
  return walk(value, schema);
}

function camelOf(name: string): string {
  return name.replaceAll(/_([a-z0-9])/g, (_, letter: string) => letter.toUpperCase());
}
