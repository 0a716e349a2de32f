export {
  defaultEmulatorClient,
  defaultEmulatorClientId,
  defaultEmulatorClientSecret,
  defaultEmulatorPassword,
  defaultEmulatorUser,
} from "./authn/defaults.ts";
export type { EmulatorOAuthClient, EmulatorUser, LiveTokens } from "./authn/types.ts";
export {
  type BrowserPage,
  BrowserSession,
  type LoginOptions,
  LoginStoppedError,
} from "./browser/browser-session.ts";
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
} from "./faults/fault.ts";
export type { FaultInjection, HoldOptions, InjectedFault } from "./faults/fault-registry.ts";
export type { Gate } from "./faults/gate.ts";
export type { Delay } from "./faults/latency.ts";
export type { CallLog, CallRecord, EmulatedService } from "./http/call-log.ts";
export {
  type AuthnSettings,
  type EmulatedAuthn,
  type PangeaEmulator,
  type PangeaEmulatorOptions,
  startPangeaEmulator,
} from "./pangea-emulator.ts";
export type { EmulatedVault, EmulatedVaultItem } from "./vault/emulated-vault.ts";
