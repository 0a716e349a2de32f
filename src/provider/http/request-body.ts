import { type OAuthError, PangeaAuthnError } from "../../errors.ts";
import { parseJson } from "../oauth/parse-json.ts";
import { isUnset } from "../oauth/unset-value.ts";
import { invalidRequest } from "../oauth-failure.ts";
import { bodySourceOf } from "./body-source.ts";

/** No OAuth request comes near this; a longer one is refused before it is held in memory. */
const maxBodyBytes = 64 * 1024;
const maxParameters = 100;

/** Reads a body up to the limit, within a time in milliseconds. */
async function readText(request: Request, timeout: number): Promise<string> {
  const refuse = (rule: string, options?: ConstructorParameters<typeof OAuthError>[2]): never => {
    throw invalidRequest(`The body ${rule}.`, options);
  };
  const tooLarge = `may have ${maxBodyBytes} bytes at the most`;
  if (Number(request.headers.get("content-length") ?? 0) > maxBodyBytes) refuse(tooLarge, { status: 413 });
  const source = bodySourceOf(request);
  if (source === undefined) return "";
  let isLate = false;
  const deadline = setTimeout(() => {
    isLate = true;
    source.cancel();
  }, timeout).unref();
  const parts: Uint8Array[] = [];
  let length = 0;
  try {
    await source.read((part) => {
      length += part.byteLength;
      if (length > maxBodyBytes) refuse(tooLarge, { status: 413 });
      parts.push(part);
    });
    if (isLate) refuse("did not arrive in time", { status: 408 });
  } catch (cause) {
    source.cancel();
    throw cause instanceof PangeaAuthnError
      ? cause
      : invalidRequest("The body could not be read to its end.", { cause });
  } finally {
    clearTimeout(deadline);
  }
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(parts.length === 1 ? parts[0] : Buffer.concat(parts));
  } catch (cause) {
    return refuse("is not UTF-8", { cause });
  }
}

/**
 * Reads a form (`application/x-www-form-urlencoded`).
 *
 * @param timeout - How long it may take to arrive, in milliseconds.
 * @throws {OAuthError} with `invalid_request` when the content type is another, or the body is oversized, late or malformed.
 */
export async function readForm(request: Request, timeout: number): Promise<OAuthParameters> {
  if (contentType(request) !== "application/x-www-form-urlencoded") {
    throw invalidRequest("The content type must be application/x-www-form-urlencoded.");
  }
  return new OAuthParameters(new URLSearchParams(await readText(request, timeout)));
}

/**
 * Reads a JSON body, whatever its content type says: a script that forgets the header sends `text/plain`, and nothing here
 * could be done with another form.
 *
 * @param timeout - How long it may take to arrive, in milliseconds.
 * @throws {OAuthError} with `invalid_request` when the body is oversized, late or not JSON.
 */
export async function readJson(request: Request, timeout: number): Promise<unknown> {
  const value = parseJson(await readText(request, timeout));
  if (value === undefined) throw invalidRequest("The body is not valid JSON.");
  return value;
}

function contentType(request: Request): string | undefined {
  return request.headers.get("content-type")?.split(";")[0]?.trim().toLowerCase();
}

/** Parameters that may be left out, and whose values are never words for nothing. */
const dispensable: readonly string[] = ["resource", "prompt", "login_hint", "idp_hint", "response_mode"];

/** Parameters of which the first value counts. They decide nothing about who gets what from whom. */
const hints: readonly string[] = ["login_hint", "idp_hint"];

/**
 * OAuth parameters: a parameter without a value counts as absent, and one that is repeated with another value is refused
 * (RFC 6749 sections 3.1 and 3.2) unless it may be repeated. The same value twice says no more than once, as clients send it
 * whose libraries add a parameter that is there already. Of several values of `login_hint` or `idp_hint` the first one counts;
 * several of `prompt`, which is a list, are one list.
 */
export class OAuthParameters {
  readonly #values = new Map<string, string[]>();

  constructor(parameters: URLSearchParams) {
    if (parameters.size > maxParameters) throw invalidRequest("The request has too many parameters.");
    for (const [name, value] of parameters) {
      if (value === "" || (dispensable.includes(name) && isUnset(value))) continue;
      this.#values.set(name, [...this.getAll(name), value]);
    }
  }

  /**
   * The value of a parameter, or undefined where it is absent.
   *
   * @throws {OAuthError} with `invalid_request` when it is repeated with another value and must not be.
   */
  get(name: string): string | undefined {
    const all = this.getAll(name);
    // Nearly every parameter is there once, or not at all.
    if (all.length < 2) return all[0];
    const [value, ...others] = new Set(all);
    if (others.length === 0 || hints.includes(name)) return value;
    if (name === "prompt") return [value, ...others].join(" ");
    throw invalidRequest(`The parameter ${name} must not be repeated with another value.`);
  }

  /** All values of a parameter that may be repeated; empty where it is absent. */
  getAll(name: string): readonly string[] {
    return this.#values.get(name) ?? [];
  }

  /** The same parameters as a query, with one of them replaced. */
  queryWith(name: string, value: string): string {
    const query = new URLSearchParams([...this.#values].flatMap(([each, values]) => values.map((one) => [each, one])));
    query.set(name, value);
    return query.toString();
  }

  /**
   * The value of a parameter.
   *
   * @param advice - Ends the message where the parameter is absent.
   * @throws {OAuthError} with `invalid_request` when it is absent or repeated.
   */
  require(name: string, advice = ""): string {
    const value = this.get(name);
    if (value === undefined) throw invalidRequest(`${name} is missing${advice}.`);
    return value;
  }
}
