/** A script that the report runs. */
export interface Benchmark {
  /** The script, without `.ts`. Its results are in a file of the same name. */
  readonly name: string;
  readonly title: string;
  /** What a reader has to know to read the figures. */
  readonly about: string;
  /** The longest that it may take, in seconds. */
  readonly limit: number;
}

/**
 * What `npm run bench` runs, in this order: together less than fifteen minutes. A script of its own hands its results over by
 * `recordResult`; `measureInTurns(…).print` and `printGoal` do so by themselves, so a new script needs a row here and no more.
 */
export const benchmarks: readonly Benchmark[] = [
  {
    name: "verify",
    title: "Verification of a bearer token",
    about:
      "A warm token through the cache, beside the least that any verification needs: a SHA-256, a look into a Map, and an object.",
    limit: 60,
  },
  {
    name: "guard",
    title: "An MCP tool call with and without the guard",
    about:
      "CPU of the server for each request over HTTP, by its own account, beside other guards; and by a profile, which part of it is this package's.",
    limit: 200,
  },
  {
    name: "import",
    title: "Importing the package",
    about: "The time from nothing to the main entry, beside importing zod.",
    limit: 60,
  },
  {
    name: "cached-get",
    title: "A get from the cache",
    about: "One of 1,000 records that every contender has in memory.",
    limit: 60,
  },
  { name: "decode", title: "Decoding a stored record", about: "An access token as it is stored.", limit: 60 },
  {
    name: "redis-get",
    title: "A get from Redis",
    about: "One after another, and 100 at once.",
    limit: 60,
  },
  {
    name: "load",
    title: "A whole server under load",
    about:
      "The server is a process of its own, the clients are another, and with Redis a third takes part. The clients do not wait for answers (open load, at random moments), and a time counts from the moment that a request was due. The peak is what 32 clients reach that wait for each answer. Over a shared store the CPU of servers, store and clients is told apart, and what had nothing left is named: on a machine of few cores that is the cores themselves, and the CPU of each request says what a machine with more would have as its next limit.",
    limit: 240,
  },
  {
    name: "flows",
    title: "A login and a refresh beside other authorization servers",
    about:
      "All over HTTP in one process, from memory, to the same client, one flow after another. They do not do the same: this package and FastMCP's OAuthProxy ask for consent by a page and go upstream and back (four requests; the upstream is stubbed), and keep the user's upstream tokens sealed; with a remembered consent it is three. A login that has not ended yet is in nobody's memory here: it is sealed in the page and in cookies, so that any instance can go on; OAuthProxy keeps it in a `Map`, as does oidc-provider, whose store here is a map as well. oidc-provider finishes its interaction at once, without a page and an upstream (four requests, three of them its own redirects), and signs nothing here (opaque tokens, no ID token). better-auth's user has a session already, and workers-oauth-provider's application allows at once: two requests. Refresh tokens rotate in all but better-auth, which adds one and leaves the old; FastMCP's asks the upstream for each.",
    limit: 120,
  },
  {
    name: "memory",
    title: "Memory of a cached record",
    about:
      "The heap after a collection, with the records and without, a process each. `Map` and `lru-cache` are what the records and keys themselves take.",
    limit: 120,
  },
  {
    name: "redis-size",
    title: "Calls to Redis by its size",
    about: "1,000 records of 400 characters are asked for, among so many.",
    limit: 90,
  },
  {
    name: "sqlite-size",
    title: "Calls to SQLite by its size",
    about:
      "Every record of 400 characters is asked for, in an order that has nothing to do with theirs, so a large file is read where no cache of SQLite's has it. The operating system's has. Beside each get is the prepared statement by itself.",
    limit: 120,
  },
  {
    name: "sqlite-stores",
    title: "A get from SQLite beside other stores",
    about: "One after another, and 100 at once, among 2,000 records.",
    limit: 60,
  },
  {
    name: "postgres-size",
    title: "Calls to Postgres by its size",
    about:
      "Every record of 400 characters is asked for, in an order that has nothing to do with theirs. Commits do not wait for the disk (`synchronous_commit` off), whose time is not ours.",
    limit: 120,
  },
  {
    name: "coherence",
    title: "Instances that agree",
    about:
      "Client-side caching of Redis tells every instance that has a record in memory of its change. Stale is how long the others went on answering with the old one.",
    limit: 60,
  },
  {
    name: "vault-login",
    title: "A login with all state in Vault",
    about:
      "The emulator stands for Vault, and takes as long for each answer as the row says. Seventeen calls one after another are what the Python package of the same name makes.",
    limit: 120,
  },
];
