export { BrowserSession, type LoginOptions, LoginStoppedError } from "../../src/emulator/browser/browser-session.ts";
