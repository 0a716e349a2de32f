import { setImmediate as nextTurn } from "node:timers/promises";
import type { Finding } from "../storage/finding.ts";
import { isPortTaken, moduleOfItsOwn, toldOf } from "./exported-provider.ts";

/** What a file does beside exporting its provider, while `doctor` looks at that. */
export class FileWatch {
  readonly #config: string;
  readonly #failures: unknown[] = [];
  readonly #listeningBefore = listening();
  #hasListened = false;

  /** @param config - The file, as it was given. */
  constructor(config: string) {
    this.#config = config;
    process.on("uncaughtException", this.#keep);
    process.on("unhandledRejection", this.#keep);
  }

  /** Looks whether the file has begun to listen: a server is open from then on until it is closed. */
  look(): void {
    this.#hasListened ||= listening() > this.#listeningBefore;
  }

  /** What is wrong with the file, as far as this turn and the next one tell. The process ends after that. */
  async findings(): Promise<Finding[]> {
    await nextTurn();
    this.look();
    const check = "configuration";
    const thrown = this.#failures.map((failure): Finding => {
      const why = isPortTaken(failure)
        ? "The file starts the server itself, whose port is taken: by the server that runs already, for one."
        : "What the file does beside exporting its provider fails in this process.";
      return { check, status: "error", what: toldOf(failure, this.#config), why, remedy: moduleOfItsOwn };
    });
    // A server whose port is taken counts as open for a moment, and was told of above.
    if (!this.#hasListened || this.#failures.some(isPortTaken)) return thrown;
    const what = `${this.#config} listens: doctor has started the server, and has asked this one for its metadata.`;
    const why =
      "What was found of the public URL may hold for this process alone, and not for the server that people use.";
    return [...thrown, { check, status: "warning", what, why, remedy: moduleOfItsOwn }];
  }

  readonly #keep = (failure: unknown): void => {
    this.#failures.push(failure);
  };
}

/** How many servers this process has open. */
function listening(): number {
  return process.getActiveResourcesInfo().filter((kind) => kind === "TCPServerWrap" || kind === "PipeServerWrap")
    .length;
}
