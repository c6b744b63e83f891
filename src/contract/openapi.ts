import { errorKinds } from "./errors.js";
import type { OperationName } from "./operations.js";
import { readContract, schemasOf, type JsonSchema, type OperationSchemas, type RenderedOperation } from "./rendered.js";
import { openApiRoute, routeOf, versionHeader } from "./wire.js";

/** The OpenAPI 3.1 document of the daemon's HTTP interface. It is built for each request: the package need not contain it. */
export function buildOpenApi(): object {
  const contract = readContract();
  const remote = contract.operations.filter(({ isLocal }) => !isLocal);
  const operations = remote.map((operation) => [operation, schemasOf(operation.name)] as const);
  return {
    openapi: "3.1.0",
    info: {
      title: "pyro",
      version: contract.version,
      summary: "Real virtual machines that a coding agent may break.",
      description:
        "HTTP/1.1 over the unix socket of a home's daemon: `daemon.sock` in the directory that `run` in PYRO_HOME leads to. The host name does not matter.",
      license: { name: "MIT", identifier: "MIT" },
    },
    servers: [{ url: "http://pyro", description: "The unix socket; nothing listens on a network." }],
    paths: {
      ...Object.fromEntries(
        operations.map(([operation, schema]) => [
          routeOf(operation.name as OperationName),
          { post: buildPost(operation, schema) },
        ]),
      ),
      [openApiRoute]: {
        get: {
          operationId: "openapi",
          summary: "This document",
          responses: {
            200: { description: "This document.", content: { [JSON_TYPE]: { schema: { type: "object" } } } },
          },
        },
      },
    },
    components: {
      schemas: {
        ...Object.fromEntries(
          operations.flatMap(([{ name }, { input, result }]) => [
            [`${name}.input`, input],
            [`${name}.result`, result],
          ]),
        ),
        error: errorSchema,
        event: eventSchema,
      },
    },
  };
}

const JSON_TYPE = "application/json";
const LINES_TYPE = "application/x-ndjson";

const refTo = (name: string) => ({ $ref: `#/components/schemas/${name}` });

function buildPost({ name, summary, streams, stdin, upload }: RenderedOperation, { input }: OperationSchemas): object {
  const answer = streams
    ? {
        [LINES_TYPE]: {
          schema: { description: "One line.", oneOf: [refTo("event"), lineOf("result", refTo(`${name}.result`))] },
        },
      }
    : { [JSON_TYPE]: { schema: refTo(`${name}.result`) } };
  return {
    operationId: name,
    summary,
    tags: [name.split(".")[0]],
    parameters: [
      {
        name: versionHeader,
        in: "header",
        description:
          "The version of the client; a daemon of another version answers DAEMON_VERSION. Not checked if left out.",
        schema: { type: "string" },
      },
    ],
    requestBody: {
      required: (input.required ?? []).length > 0,
      description: `The input as one line of JSON.${upload ? " With a source_path its archive follows: see docs/http.md." : ""}${stdin ? " Lines with standard input may follow." : ""}`,
      content: { [JSON_TYPE]: { schema: refTo(`${name}.input`) } },
    },
    responses: {
      200: {
        description: streams ? "Lines: events, and the result or the error as the last one." : "The result.",
        content: answer,
      },
      default: {
        description: "An error before the first event.",
        content: { [JSON_TYPE]: { schema: refTo("error") } },
      },
    },
  };
}

const errorSchema = {
  type: "object",
  required: ["error"],
  properties: {
    error: {
      type: "object",
      required: ["code", "message", "hint", "details"],
      properties: {
        code: { type: "string", enum: Object.keys(errorKinds) },
        message: { type: "string", description: "Message for people." },
        hint: { type: "string", description: "The next step." },
        details: { type: "object", description: "The facts." },
      },
    },
  },
};

const stageSchema = {
  type: "object",
  required: ["stage", "ms"],
  properties: { stage: { type: "string" }, ms: { type: "number" } },
};

const eventSchema = {
  oneOf: [
    lineOf("progress", { type: "string" }, "phase", "message"),
    lineOf("started", { type: "integer", minimum: 1 }, "sequence"),
    {
      ...lineOf("gap", { type: "integer" }, "bytes"),
      description: "Number of bytes of `stream` that the client missed and that are no longer kept.",
    },
    lineOf("stdout", { type: "string", contentEncoding: "base64" }, "data"),
    lineOf("stderr", { type: "string", contentEncoding: "base64" }, "data"),
    lineOf("stdin_credit", { type: "integer" }, "bytes"),
    lineOf("trace", { type: "array", items: stageSchema }, "stages"),
    lineOf("error", errorSchema.properties.error, "error"),
  ],
};

/** A line of a streaming answer: its event, and fields of one schema. */
function lineOf(event: string, schema: JsonSchema | object, ...fields: readonly string[]): object {
  const names = fields.length === 0 ? [event] : fields;
  return {
    type: "object",
    required: ["event", ...names],
    properties: { event: { const: event }, ...Object.fromEntries(names.map((name) => [name, schema])) },
  };
}
