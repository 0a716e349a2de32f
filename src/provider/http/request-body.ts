import { OAuthError } from "../../errors.ts";

/** No OAuth request comes near this; a longer one is refused before it is held in memory. */
const maxBodyBytes = 64 * 1024;
const maxParameters = 100;

/** Reads a body up to the limit, within a time in milliseconds. */
async function readText(request: Request, timeout: number): Promise<string> {
  const tooLarge = new OAuthError("invalid_request", `The body may have ${maxBodyBytes} bytes at the most.`, {
    status: 413,
  });
  if (Number(request.headers.get("content-length") ?? 0) > maxBodyBytes) throw tooLarge;
  if (request.body === null) return "";
  const chunks: Uint8Array[] = [];
  let length = 0;
  const reader = request.body.getReader();
  const deadline = new Deadline(timeout);
  try {
    for (;;) {
      const { done, value } = await deadline.race(readChunk(reader));
      if (done) break;
      length += value.byteLength;
      if (length > maxBodyBytes) throw tooLarge;
      chunks.push(value);
    }
  } catch (failure) {
    // Not waited for: a sender that stalls may stall here too.
    reader.cancel().catch(() => {});
    throw failure;
  } finally {
    deadline.clear();
  }
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(Buffer.concat(chunks));
  } catch (cause) {
    throw new OAuthError("invalid_request", "The body is not UTF-8.", { cause });
  }
}

/** Bounds the time that a sender may take. */
class Deadline {
  readonly #passed: Promise<never>;
  readonly #timer: NodeJS.Timeout;

  constructor(milliseconds: number) {
    const late = new OAuthError("invalid_request", "The body did not arrive in time.", { status: 408 });
    const timer = new AbortController();
    this.#passed = new Promise((_resolve, reject) => {
      timer.signal.addEventListener("abort", () => reject(late), { once: true });
    });
    // It may pass when nobody waits for it any more.
    this.#passed.catch(() => {});
    this.#timer = setTimeout(() => timer.abort(), milliseconds).unref();
  }

  race<T>(promise: Promise<T>): Promise<T> {
    return Promise.race([promise, this.#passed]);
  }

  clear(): void {
    clearTimeout(this.#timer);
  }
}

async function readChunk(reader: ReadableStreamDefaultReader<Uint8Array>) {
  try {
    return await reader.read();
  } catch (cause) {
    throw new OAuthError("invalid_request", "The body could not be read to its end.", { cause });
  }
}

/**
 * Reads a form (`application/x-www-form-urlencoded`).
 *
 * @param timeout - How long it may take to arrive, in milliseconds.
 * @throws `OAuthError` with `invalid_request` for another content type, an oversized, late or malformed body.
 */
export async function readForm(request: Request, timeout: number): Promise<OAuthParameters> {
  if (contentType(request) !== "application/x-www-form-urlencoded") {
    throw new OAuthError("invalid_request", "The content type must be application/x-www-form-urlencoded.");
  }
  return new OAuthParameters(new URLSearchParams(await readText(request, timeout)));
}

/**
 * Reads a JSON body.
 *
 * @param timeout - How long it may take to arrive, in milliseconds.
 * @throws `OAuthError` with `invalid_request` for another content type, an oversized, late or malformed body.
 */
export async function readJson(request: Request, timeout: number): Promise<unknown> {
  if (contentType(request) !== "application/json") {
    throw new OAuthError("invalid_request", "The content type must be application/json.");
  }
  const text = await readText(request, timeout);
  try {
    return JSON.parse(text);
  } catch {
    // The parser's own error quotes the body, which may hold secrets: it is not kept as the cause.
    throw new OAuthError("invalid_request", "The body is not valid JSON.");
  }
}

function contentType(request: Request): string | undefined {
  return request.headers.get("content-type")?.split(";")[0]?.trim().toLowerCase();
}

/**
 * OAuth parameters: a parameter without a value counts as absent, and one that is repeated is refused (RFC 6749
 * sections 3.1 and 3.2).
 */
export class OAuthParameters {
  readonly #values = new Map<string, string>();
  readonly #repeated = new Set<string>();

  constructor(parameters: URLSearchParams) {
    if (parameters.size > maxParameters)
      throw new OAuthError("invalid_request", "The request has too many parameters.");
    for (const [name, value] of parameters) {
      if (value === "") continue;
      if (this.#values.has(name)) this.#repeated.add(name);
      this.#values.set(name, value);
    }
  }

  /**
   * The value of a parameter, or undefined where it is absent.
   *
   * @throws `OAuthError` with `invalid_request` where it is repeated.
   */
  get(name: string): string | undefined {
    if (this.#repeated.has(name)) {
      throw new OAuthError("invalid_request", `The parameter ${name} must not be repeated.`);
    }
    return this.#values.get(name);
  }
}
