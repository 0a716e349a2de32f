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
export type { CallLog, CallRecord, EmulatedService } from "./call-log.ts";
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
} from "./fault.ts";
export type { FaultInjection, HoldOptions, InjectedFault } from "./faults.ts";
export type { Gate } from "./gate.ts";
export type { Delay } from "./latency.ts";
export {
  type AuthnSettings,
  type EmulatedAuthn,
  type PangeaEmulator,
  type PangeaEmulatorOptions,
  startPangeaEmulator,
} from "./pangea-emulator.ts";
export type { EmulatedVault, EmulatedVaultItem } from "./vault/vault-service.ts";
