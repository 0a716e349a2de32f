import { createInterface } from "node:readline/promises";
import { PangeaAuthnError, UnreadableRecordsError, UnsealableError } from "../../errors.ts";
import { type GrantSummary, requireOneUser } from "../../provider/grants/grant-directory.ts";
import { OperatorGrants } from "../../provider/grants/operator-grants.ts";
import { openStore } from "../store/open-store.ts";
import { placed } from "../store/placed-failure.ts";
import { shownAddress } from "../store/store-address.ts";
import { adviceOnKeys } from "../store/store-settings.ts";
import { UsageError } from "../usage-error.ts";
import { AnnouncedGrants } from "./announced-grants.ts";
import { asJson, drawGrant } from "./draw-grant.ts";
import type { GrantsOptions } from "./grants-options.ts";

/** What the command needs of the process around it. */
export interface GrantsSurroundings {
  /** Where grants go. */
  readonly output: { write(text: string): unknown };
  /** Where questions go, what went wrong, and a line for each grant that was ended. */
  readonly errors: NodeJS.WritableStream;
  /** Where an answer comes from, if somebody is there to give one. */
  readonly input: NodeJS.ReadableStream & { readonly isTTY?: boolean };
  /** The line that makes a package available. */
  readonly installation: (missing: string) => string;
  /** The time in milliseconds since the epoch. Default: `Date.now`. */
  readonly clock?: () => number;
}

/**
 * Lists, shows or ends grants.
 *
 * @returns 1 where something failed or a grant is not there, else 0.
 * @throws {UsageError} when grants are to be ended, nobody has confirmed that, and nobody can be asked.
 * @throws {ConfigurationError} when the store is not there, or its client is not.
 * @throws {StorageError} when the store cannot be opened.
 */
export async function runGrants(options: GrantsOptions, surroundings: GrantsSurroundings): Promise<0 | 1> {
  const { errors, input, installation, clock = Date.now } = surroundings;
  const { action, isConfirmed, store } = options;
  if (action === "revoke" && !isConfirmed && input.isTTY !== true) {
    throw new UsageError("grants revoke ends logins: give --yes where nobody can be asked.");
  }
  await using opened = await openStore(store, { dryRun: false, command: "grants", installation });
  const announced = new AnnouncedGrants(opened);
  const grants = new OperatorGrants(announced.repositories, {
    clock,
    tell: (line) => void errors.write(`${new Date(clock()).toISOString()} ${line}\n`),
  });
  try {
    if (action === "revoke") return await revoke(grants, options, surroundings);
    return await print(grants, options, surroundings);
  } catch (thrown) {
    const failure = placed(thrown, store.address);
    if (!(failure instanceof PangeaAuthnError)) throw failure;
    errors.write(`${failure.message}\n`);
    if (failure instanceof UnreadableRecordsError || failure instanceof UnsealableError) {
      errors.write(`${adviceOnKeys(store)}\n`);
    }
    return 1;
  } finally {
    const sentence = announced.sentence();
    if (sentence !== undefined) errors.write(`${sentence}\n`);
  }
}

/** Prints what there is as it is read: a listing may end with what could not be read. */
async function print(
  grants: OperatorGrants,
  { filter, grantId, json }: GrantsOptions,
  { output, errors }: GrantsSurroundings,
): Promise<0 | 1> {
  if (grantId !== undefined) {
    const grant = await grants.get(grantId);
    if (grant === undefined) {
      errors.write(`There is no such grant: ${grantId}\n`);
      return 1;
    }
    output.write(json ? `${asJson(grant)}\n` : drawGrant(grant));
    return 0;
  }
  let number = 0;
  try {
    for await (const grant of grants.list(filter)) {
      const before = number === 0 ? "[\n" : ",\n";
      output.write(json ? before + asJson(grant) : `${number === 0 ? "" : "\n"}${drawGrant(grant)}`);
      number += 1;
    }
  } finally {
    if (json) output.write(number === 0 ? "[]\n" : "\n]\n");
  }
  errors.write(`${counted(number)}\n`);
  return 0;
}

async function revoke(
  grants: OperatorGrants,
  { filter, grantId, isConfirmed, json, store }: GrantsOptions,
  { output, errors, input }: GrantsSurroundings,
): Promise<0 | 1> {
  if (!isConfirmed) {
    const meant = await grantsMeant(grants, filter, grantId);
    if (meant.length === 0) return nothingToEnd(errors, grantId);
    for (const grant of meant) errors.write(`${drawGrant(grant)}\n`);
    const question = `End ${counted(meant.length)} in ${shownAddress(store.address)}? Their users log in again. [y/N] `;
    if (!(await isYes(question, input, errors))) {
      errors.write("Nothing was ended.\n");
      return 1;
    }
  }
  const ended = grantId === undefined ? await grants.revokeAll(filter) : Number(await grants.revoke(grantId));
  if (ended === 0) return nothingToEnd(errors, grantId);
  output.write(json ? `${JSON.stringify({ ended })}\n` : `${counted(ended)} ended.\n`);
  return 0;
}

async function grantsMeant(
  grants: OperatorGrants,
  filter: GrantsOptions["filter"],
  grantId: string | undefined,
): Promise<GrantSummary[]> {
  const meant: GrantSummary[] = [];
  if (grantId === undefined) for await (const grant of grants.list(filter)) meant.push(grant);
  else {
    const grant = await grants.get(grantId);
    if (grant !== undefined) meant.push(grant);
  }
  // Before anybody is asked: of two people, nobody is shown the logins of both with one question.
  requireOneUser(
    filter,
    meant.map(({ upstreamIssuer }) => upstreamIssuer),
  );
  return meant;
}

/** Where one grant was named and is not there, something is wrong; where a filter finds none, nothing is. */
function nothingToEnd(errors: NodeJS.WritableStream, grantId: string | undefined): 0 | 1 {
  errors.write(grantId === undefined ? "There is no such grant to end.\n" : `There is no such grant: ${grantId}\n`);
  return grantId === undefined ? 0 : 1;
}

async function isYes(question: string, input: NodeJS.ReadableStream, output: NodeJS.WritableStream): Promise<boolean> {
  const lines = createInterface({ input, output });
  try {
    return /^y(?:es)?$/i.test((await lines.question(question)).trim());
  } finally {
    lines.close();
  }
}

function counted(number: number): string {
  return number === 1 ? "1 grant" : `${number} grants`;
}
