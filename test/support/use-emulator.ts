import { type PangeaEmulator, type PangeaEmulatorOptions, startPangeaEmulator } from "../../src/emulator.ts";
import { setUp } from "./set-up.ts";

/** An emulator whose start and end are the hooks' affair. */
export type UsedEmulator = Omit<PangeaEmulator, "close" | typeof Symbol.asyncDispose>;

/**
 * Starts an emulator before the tests of the file, or of the `describe` that calls this, and closes it after them.
 *
 * @param per - `"test"` starts a new emulator for each test. Default: `"file"`.
 * @returns Stands for the emulator that runs at the moment; may only be asked while the tests run.
 */
export function useEmulator(options: PangeaEmulatorOptions = {}, per: "file" | "test" = "file"): UsedEmulator {
  let running: PangeaEmulator | undefined;
  setUp(per, async (parts) => {
    running = parts.use(await startPangeaEmulator(options));
  });
  const emulator = (): PangeaEmulator => {
    if (running === undefined) throw new Error("The emulator runs while the tests do; it was asked before.");
    return running;
  };
  return {
    get url() {
      return emulator().url;
    },
    get issuerUrl() {
      return emulator().issuerUrl;
    },
    get baseUrlTemplate() {
      return emulator().baseUrlTemplate;
    },
    get vault() {
      return emulator().vault;
    },
    get authn() {
      return emulator().authn;
    },
    get calls() {
      return emulator().calls;
    },
    get faults() {
      return emulator().faults;
    },
  };
}
