import type { Command } from "../commands.ts";

/** What ends the program early, with the exit code that a shell gives it. */
const signals = { SIGINT: 130, SIGTERM: 143 } as const;

/** For how many milliseconds a signal counts as the same one. */
const repeatedSignal = 1_000;

/** The command that copies a server's state from one store to another. */
export const migrateCommand: Command = {
  synopsis: "--from ADDRESS --to ADDRESS [--dry-run] [--rate N] [--json]",
  summary: [
    "copy all that a server keeps from one store to another",
    "Repeated, it goes on where it was stopped.",
    "ADDRESS           vault:[/folder], redis://…, rediss://…, sqlite:file,",
    "                  postgres://…; redis: and postgres: alone take it from",
    "                  REDIS_URL and DATABASE_URL",
    "--dry-run         write nothing, and say what would be written",
    "--rate            how many records in a second at most",
    "--remove-missing  delete in the target what the source does not have",
    "--allow-empty-source  the same where the source has no grant and no client",
    "--keep            leave records of the target as they are",
    "--namespace       of the server's records; for one side --from-namespace,",
    "                  --to-namespace",
    "--from-folder, --to-folder   the folder of a Vault",
    "--from-table, --to-table     the table of a Postgres",
    "--take-over       a source in Vault: items without this package's mark too",
    "--from-issuer, --to-issuer   where a provider seals its SQLite file",
    "--json            print the report as JSON",
    "It reads:",
    "  FROM_STORAGE_SECRET, TO_STORAGE_SECRET  what records are sealed with",
    "  PANGEA_VAULT_TOKEN, PANGEA_BASE_URL_TEMPLATE, PANGEA_DOMAIN, REDIS_URL,",
    "  DATABASE_URL; with FROM_ or TO_ before the name for one side alone",
  ],
  options: {
    from: { type: "string" },
    to: { type: "string" },
    "dry-run": { type: "boolean" },
    rate: { type: "string" },
    "remove-missing": { type: "boolean" },
    "allow-empty-source": { type: "boolean" },
    keep: { type: "boolean" },
    namespace: { type: "string" },
    "from-namespace": { type: "string" },
    "to-namespace": { type: "string" },
    "from-folder": { type: "string" },
    "to-folder": { type: "string" },
    "from-table": { type: "string" },
    "to-table": { type: "string" },
    "take-over": { type: "boolean" },
    "from-issuer": { type: "string" },
    "to-issuer": { type: "string" },
    json: { type: "boolean" },
  },
  // Which packages are needed depends on the addresses.
  packages: {},
  async run(values, invocation) {
    const { readMigrateOptions } = await import("./migrate-options.ts");
    const options = readMigrateOptions(values, process.env);
    const { migrate } = await import("./migrate.ts");
    const stop = new AbortController();
    const removeListeners = listenForSignals((signal) => stop.abort(new Error(`Stopped by ${signal}.`)));
    try {
      const outcome = await migrate(options, {
        output: process.stdout,
        progress: process.stderr,
        signal: stop.signal,
        installation: (missing) => invocation.installation("migrate …", [missing], [missing]),
      });
      if (outcome !== "stopped") process.exitCode = outcome === "complete" ? 0 : 1;
    } finally {
      removeListeners();
    }
  },
};

/**
 * Calls back at the first signal, and ends the program at one that comes later than a moment after it: npx passes on what
 * the terminal has sent already.
 */
function listenForSignals(onSignal: (signal: string) => void): () => void {
  let first: number | undefined;
  const listeners = Object.entries(signals).map(([signal, exitCode]) => {
    const listener = (): void => {
      first ??= performance.now();
      process.exitCode = exitCode;
      if (performance.now() - first > repeatedSignal) process.exit(exitCode);
      onSignal(signal);
    };
    process.on(signal, listener);
    return () => process.off(signal, listener);
  });
  return () => {
    for (const removeListener of listeners) removeListener();
  };
}
