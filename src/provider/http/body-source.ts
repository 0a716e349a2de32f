/** What the body of a request is read from. */
export interface BodySource {
  /**
   * Reads to the end, or until it is cancelled.
   *
   * @param take - Called with each part, in order. What it throws ends the read, and `read` rejects with it.
   */
  read(take: (part: Uint8Array) => void): Promise<void>;
  /** Ends a read under way at once: `read` resolves. A sender that stalls is not waited for. */
  cancel(): void;
}

/** Sources of requests whose mount knows a shorter way to the body than a Web stream. */
const sources = new WeakMap<Request, BodySource>();

/** Says where the body of a request is to be read from. Whoever else reads `request.body` must not do so afterwards. */
export function readBodyFrom(request: Request, source: BodySource): void {
  sources.set(request, source);
}

/** What the body of a request is read from; undefined where it has none. */
export function bodySourceOf(request: Request): BodySource | undefined {
  const source = sources.get(request);
  if (source !== undefined) return source;
  return request.body === null ? undefined : streamSource(request.body);
}

function streamSource(body: ReadableStream<Uint8Array>): BodySource {
  const reader = body.getReader();
  return {
    async read(take) {
      for (;;) {
        const { done, value } = await reader.read();
        if (done) return;
        take(value);
      }
    },
    cancel: () => void reader.cancel().catch(() => {}),
  };
}
