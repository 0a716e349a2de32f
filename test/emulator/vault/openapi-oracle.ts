import { existsSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { Ajv2020 } from "ajv/dist/2020.js";
import addFormats from "ajv-formats";

/** Where the document is. */
export const specification = fileURLToPath(
  new URL("../../../../shared/pangea-openapi/vault.openapi.json", import.meta.url),
);
const ID = "https://pangea.example/vault.openapi.json";

/** Whether Pangea's OpenAPI document lies beside this repository. It is not a part of it. */
export const isOracleHere = existsSync(specification);

/** Pangea's own description of Vault, asked whether requests and replies are right. */
export interface OpenApiOracle {
  /** What is wrong with a request to a path such as `/v2/get`: nothing, where it is right. */
  requestProblems(path: string, body: unknown): readonly string[];
  /** What is wrong with a reply, undocumented properties of its items included. */
  replyProblems(path: string, httpStatus: number, body: unknown): readonly string[];
}

export function loadOracle(): OpenApiOracle {
  const document: unknown = JSON.parse(readFileSync(specification, "utf8"));
  // It allows the status Success alone, and describes failures by reference to the same schema.
  dropStatusEnum(document);
  const ajv = new Ajv2020({ strict: false, allErrors: true });
  addFormats.default(ajv);
  ajv.addFormat("pangea-id", /^[a-z]{3}_[a-z2-7]{32}$/);
  ajv.addFormat("pangea-duration", /^[1-9][0-9]* ?[a-zA-Z]+$/);
  ajv.addSchema({ $id: ID, ...asObject(document) });

  const problems = (pointer: readonly string[], value: unknown): readonly string[] => {
    const validate = ajv.getSchema(
      `${ID}#${pointer.map((step) => `/${encodeURIComponent(escapeStep(step))}`).join("")}`,
    );
    if (validate === undefined) throw new Error(`The document has no ${pointer.join(" ")}`);
    validate(value);
    return (validate.errors ?? []).map(({ instancePath, message }) => `${instancePath} ${message}`);
  };
  const content = ["content", "application/json", "schema"];
  return {
    requestProblems: (path, body) => problems(["paths", path, "post", "requestBody", ...content], body),
    replyProblems(path, httpStatus, body) {
      const method = path.startsWith("/request/") ? "get" : "post";
      const documented = ["200", "202", "400"].includes(String(httpStatus));
      if (!documented || (httpStatus === 202 && method === "post")) {
        return problems(["components", "schemas", "pangea-response"], body);
      }
      return [
        ...problems(["paths", path, method, "responses", String(httpStatus), ...content], body),
        ...itemsOf(body).flatMap((item) => undocumented(document, item)),
      ];
    },
  };
}

/** The items of a reply: its result, or the members of the result's `items`. */
function itemsOf(body: unknown): readonly object[] {
  const result = asObject(body).result;
  const { items } = asObject(result);
  const candidates = Array.isArray(items) ? items : [result];
  return candidates.map(asObject).filter((item) => "type" in item);
}

function undocumented(document: unknown, item: object): readonly string[] {
  const schema = "type" in item && item.type === "folder" ? "v2-folder" : "v2-secret";
  const known = propertiesOf(document, schema);
  const knownOfVersions = propertiesOf(document, "v2-secret-version");
  const versions = "item_versions" in item && Array.isArray(item.item_versions) ? item.item_versions : [];
  return [
    ...Object.keys(item).filter((key) => !known.has(key)),
    ...versions.flatMap((version) => Object.keys(asObject(version)).filter((key) => !knownOfVersions.has(key))),
  ].map((key) => `${key} is not documented`);
}

function propertiesOf(document: unknown, name: string): ReadonlySet<string> {
  const schema = asObject(asObject(asObject(asObject(document).components).schemas)[name]);
  const parts = Array.isArray(schema.allOf) ? schema.allOf.map(asObject) : [schema];
  const names = parts.flatMap((part) => {
    const reference = typeof part.$ref === "string" ? part.$ref.split("/").at(-1) : undefined;
    return reference === undefined ? Object.keys(asObject(part.properties)) : [...propertiesOf(document, reference)];
  });
  return new Set(names);
}

function dropStatusEnum(document: unknown): void {
  const schemas = asObject(asObject(asObject(document).components).schemas);
  const { status } = asObject(asObject(schemas["pangea-response"]).properties);
  if (!Reflect.deleteProperty(asObject(status), "enum")) throw new Error("The document's status is not as expected");
}

function asObject(value: unknown): Record<string, unknown> {
  return isObject(value) ? value : {};
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null;
}

/** A step of a JSON pointer (RFC 6901). */
function escapeStep(step: string): string {
  return step.replaceAll("~", "~0").replaceAll("/", "~1");
}
