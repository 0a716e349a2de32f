/** A message of NOTIFY, as clients hand it on. */
interface Notification {
  readonly channel: string;
  readonly payload?: string | undefined;
}

/**
 * A client with one connection of its own, to listen: a `Client` of `pg` or of Neon.
 *
 * @example
 * ```ts
 * const listener: PostgresListener = new Client({ connectionString: process.env.DATABASE_URL });
 * ```
 */
export interface PostgresListener {
  connect(): Promise<unknown>;
  query(text: string): Promise<unknown>;
  end(): Promise<unknown>;
  on(event: "notification", listener: (message: Notification) => void): unknown;
  on(event: "error" | "end", listener: (error?: unknown) => void): unknown;
}

/** What whoever opened a connection hears of it. */
export interface ListeningObserver {
  /** The channel is being listened to. */
  onListening(): void;
  onMessage(message: string): void;
  /** The connection was lost or could not be opened; it is opened again. */
  onLost(error: unknown): void;
}

/** The pauses between two tries to connect, in milliseconds. */
const firstPause = 100;
const longestPause = 5_000;

/** A connection that listens to one channel, and is opened again whenever it is lost. */
export class ListeningConnection {
  readonly #makeClient: () => PostgresListener;
  readonly #channel: string;
  readonly #observer: ListeningObserver;
  #client: PostgresListener | undefined;
  #pause = firstPause;
  #timer: NodeJS.Timeout | undefined;
  #isListening = false;
  #isClosed = false;

  constructor(makeClient: () => PostgresListener, channel: string, observer: ListeningObserver) {
    this.#makeClient = makeClient;
    this.#channel = channel;
    this.#observer = observer;
    void this.#open();
  }

  /** True while the connection is up and listens. */
  get isListening(): boolean {
    return this.#isListening;
  }

  /** Gives up the connection for a reason and opens another. */
  renew(reason: unknown): void {
    if (this.#client !== undefined) this.#lose(this.#client, reason);
  }

  /** Closes the connection. */
  async close(): Promise<void> {
    this.#isClosed = true;
    clearTimeout(this.#timer);
    const client = this.#client;
    this.#client = undefined;
    this.#isListening = false;
    if (client !== undefined) await end(client);
  }

  async #open(): Promise<void> {
    let client: PostgresListener | undefined;
    try {
      client = this.#makeClient();
      this.#client = client;
      const opened = client;
      opened.on("error", (error) => this.#lose(opened, error));
      opened.on("end", (error) => this.#lose(opened, error));
      opened.on("notification", ({ channel, payload = "" }) => {
        if (this.#client === opened && channel === this.#channel) this.#observer.onMessage(payload);
      });
      await opened.connect();
      await opened.query(`LISTEN "${this.#channel}"`);
      if (this.#client !== opened) return;
      this.#isListening = true;
      this.#pause = firstPause;
      this.#observer.onListening();
    } catch (error) {
      if (client === undefined) this.#openLater(error);
      else this.#lose(client, error);
    }
  }

  #lose(client: PostgresListener, reason: unknown): void {
    if (this.#client !== client) return;
    this.#client = undefined;
    void end(client);
    this.#openLater(reason);
  }

  #openLater(reason: unknown): void {
    this.#isListening = false;
    this.#observer.onLost(reason);
    if (this.#isClosed) return;
    // Instances that lost their server together do not come back together.
    this.#timer = setTimeout(() => void this.#open(), this.#pause * (0.5 + Math.random() / 2));
    this.#timer.unref();
    this.#pause = Math.min(2 * this.#pause, longestPause);
  }
}

/** A client that is given up has nothing to say any more. */
async function end(client: PostgresListener): Promise<void> {
  try {
    await client.end();
  } catch {
    // The connection is gone either way.
  }
}
