import type { Command } from "../commands.ts";

/** The command by which an operator sees and ends what people have allowed. */
export const grantsCommand: Command = {
  synopsis: "list|show|revoke [GRANT] --store ADDRESS [--subject ID] [--client ID] [--all]",
  summary: [
    "list, show and end what people have allowed, in a store",
    "list             the grants of --subject, of --client, of both, or all",
    "show GRANT       one grant, by its id",
    "revoke GRANT     end one grant, or those of --subject, of --client, or --all",
    "--store ADDRESS  vault:[/folder], redis://…, rediss://…, sqlite:file,",
    "                 postgres://…; redis: and postgres: alone take it from",
    "                 REDIS_URL and DATABASE_URL",
    "--subject        the user's id at the identity provider",
    "--upstream-issuer",
    "                 of the identity provider where the user logs in; revoke",
    "                 demands it where the subject has logins at several",
    "--client         the id of the client",
    "--all            every grant; revoke demands it in so many words",
    "--yes            revoke without asking",
    "--namespace      of the server's records",
    "--folder         the folder of a Vault",
    "--table          the table of a Postgres",
    "--issuer         where a provider seals its SQLite file: its URL",
    "--json           print JSON",
    "It reads:",
    "  STORAGE_SECRET   what records are sealed with; for a SQLite file that a",
    "                   provider seals, the provider's own secret, with --issuer",
    "  PANGEA_VAULT_TOKEN, PANGEA_BASE_URL_TEMPLATE, PANGEA_DOMAIN, REDIS_URL,",
    "  DATABASE_URL",
    "Grants go to standard output; questions, errors and a line for each grant",
    "that was ended, for an audit log, to standard error. It ends with 0, with 1",
    "where something failed or is not there, with 2 for a wrong command line.",
  ],
  options: {
    store: { type: "string" },
    subject: { type: "string" },
    "upstream-issuer": { type: "string" },
    client: { type: "string" },
    all: { type: "boolean" },
    yes: { type: "boolean" },
    namespace: { type: "string" },
    folder: { type: "string" },
    table: { type: "string" },
    issuer: { type: "string" },
    json: { type: "boolean" },
  },
  // Which packages are needed depends on the address.
  packages: {},
  takesWords: true,
  async run(values, invocation, words) {
    const { readGrantsOptions } = await import("./grants-options.ts");
    const options = readGrantsOptions(words, values, process.env);
    const { runGrants } = await import("./run-grants.ts");
    process.exitCode = await runGrants(options, {
      output: process.stdout,
      errors: process.stderr,
      input: process.stdin,
      installation: (missing) => invocation.installation("grants …", [missing], [missing]),
    });
  },
};
