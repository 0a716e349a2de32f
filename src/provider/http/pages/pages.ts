/** Everything that people see. It is loaded with the first page that is shown: a guard alone shows none. */
export { accountErrorPage, accountPage, signInPage } from "./account-page.ts";
export { consentPage } from "./consent-page.ts";
export { errorPage } from "./error-page.ts";
export { shownName } from "./shown-client.ts";
export { unknownClientPage } from "./unknown-client-page.ts";
export { upstreamChoicePage } from "./upstream-choice-page.ts";
