import { existsSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { Ajv2020 } from "ajv/dist/2020.js";
import formats from "ajv-formats";

const specification = fileURLToPath(new URL("../../../../shared/pangea-openapi/authn.openapi.json", import.meta.url));

/** Pangea's own OpenAPI for AuthN, which is not part of this repository: tests that need it are skipped without it. */
export const hasOpenApi = existsSync(specification);

/** What a value gets wrong by a schema of Pangea's OpenAPI, named by its JSON pointer. Empty when it is right. */
export function openApiProblems(pointer: string, value: unknown): string[] {
  const ajv = new Ajv2020({ strict: false, allErrors: true });
  formats.default(ajv);
  ajv.addSchema(JSON.parse(readFileSync(specification, "utf8")), "pangea");
  const validate = ajv.compile({ $ref: `pangea#${pointer}` });
  validate(value);
  return (validate.errors ?? []).map((error) => `${error.instancePath} ${error.message ?? ""}`);
}

/** The pointer to the schema of an endpoint's reply. */
export function replySchema(path: string, httpStatus: 200 | 400): string {
  const escaped = path.replaceAll("~", "~0").replaceAll("/", "~1");
  return `/paths/${escaped}/post/responses/${httpStatus}/content/application~1json/schema`;
}
