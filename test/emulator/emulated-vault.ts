import { PangeaConfig, PangeaErrors, Vault, VaultService } from "pangea-node-sdk";
import { onTestFinished } from "vitest";
import { type PangeaEmulator, type PangeaEmulatorOptions, startPangeaEmulator } from "../../src/emulator.ts";

/** A token of the form that the emulator accepts. */
export const TOKEN = "pts_emulatoremulatoremulatoremulator";

/** The time at which every emulated vault starts, in milliseconds since the epoch. */
export const START = Date.UTC(2026, 0, 2, 3, 4, 5);

/** An HTTP reply, read. */
export interface RawReply {
  readonly httpStatus: number;
  readonly headers: Headers;
  readonly text: string;
}

/** An emulator with Vault alone, the real SDK pointed at it, and a clock that stands still unless advanced. */
export interface EmulatedVaultUnderTest {
  readonly emulator: PangeaEmulator;
  readonly vault: VaultService;
  /** Stores a secret through the SDK and gives its id. */
  store(name: string, options?: Partial<Vault.Secret.StoreRequest>): Promise<string>;
  /** Posts to an endpoint such as `vault/v2/get` without the SDK, which retries by itself. */
  post(endpoint: string, body: unknown, init?: { token?: string; signal?: AbortSignal }): Promise<RawReply>;
  /** Moves the emulator's clock. */
  advance(milliseconds: number): void;
}

/** Starts an emulator that is closed when the test ends. */
export async function startVault(options: PangeaEmulatorOptions = {}): Promise<EmulatedVaultUnderTest> {
  let now = START;
  const emulator = await startPangeaEmulator({ authn: false, clock: () => now, ...options });
  onTestFinished(() => emulator.close());
  const vault = new VaultService(TOKEN, new PangeaConfig({ baseUrlTemplate: emulator.baseUrlTemplate }));
  return {
    emulator,
    vault,
    async store(name, request = {}) {
      const reply = await vault.secretStore({
        type: Vault.ItemType.SECRET,
        name,
        secret: `secret of ${name}`,
        ...request,
      });
      return reply.result.id;
    },
    async post(endpoint, body, { token = TOKEN, signal } = {}) {
      const response = await fetch(`${emulator.url}/${endpoint}`, {
        method: "POST",
        headers: { Authorization: `Bearer ${token}`, "Content-Type": "application/json" },
        body: typeof body === "string" ? body : JSON.stringify(body),
        ...(signal === undefined ? {} : { signal }),
      });
      return { httpStatus: response.status, headers: response.headers, text: await response.text() };
    },
    advance(milliseconds) {
      now += milliseconds;
    },
  };
}

/** Pangea's status for a refused call, and the codes and sources of its validation errors. */
export interface Refusal {
  readonly status: string;
  readonly errors: readonly string[];
}

/** Awaits a call through the SDK that is to be refused. */
export async function refusal(call: Promise<unknown>): Promise<Refusal> {
  try {
    await call;
  } catch (error) {
    if (!(error instanceof PangeaErrors.APIError)) throw error;
    return { status: error.response.status, errors: error.errors.map(({ code, source }) => `${code} ${source}`) };
  }
  throw new Error("The call was not refused.");
}

/** The same for a reply that was read without the SDK. */
export function refusalOf({ text }: RawReply): Refusal {
  const body: { status: string; result: { errors?: { code: string; source: string }[] } } = JSON.parse(text);
  return { status: body.status, errors: (body.result.errors ?? []).map(({ code, source }) => `${code} ${source}`) };
}
