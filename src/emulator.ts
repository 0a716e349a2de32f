export type { LiveTokens } from "./emulator/authn/authn-emulator.ts";
export {
  defaultEmulatorClient,
  defaultEmulatorClientId,
  defaultEmulatorClientSecret,
  defaultEmulatorPassword,
  defaultEmulatorUser,
} from "./emulator/authn/defaults.ts";
export type { EmulatorOAuthClient, EmulatorUser } from "./emulator/authn/options.ts";
export {
  type BrowserPage,
  BrowserSession,
  type LoginOptions,
  LoginStoppedError,
} from "./emulator/browser/browser-session.ts";
export type {
  AcceptedFault,
  BehaviourFault,
  Committing,
  ConnectionResetFault,
  Fault,
  FaultScope,
  HtmlFault,
  LatencyFault,
  ServerErrorFault,
  StaleBulkFault,
  TooManyRequestsFault,
} from "./emulator/faults/fault.ts";
export type { FaultInjection, HoldOptions, InjectedFault } from "./emulator/faults/fault-registry.ts";
export type { Gate } from "./emulator/faults/gate.ts";
export type { Delay } from "./emulator/faults/latency.ts";
export type { CallLog, CallRecord, EmulatedService } from "./emulator/http/call-log.ts";
export {
  type AuthnSettings,
  type EmulatedAuthn,
  type PangeaEmulator,
  type PangeaEmulatorOptions,
  startPangeaEmulator,
} from "./emulator/pangea-emulator.ts";
export type { EmulatedVault, EmulatedVaultItem } from "./emulator/vault/vault-emulator.ts";
