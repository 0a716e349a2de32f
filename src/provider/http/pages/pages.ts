/** Everything that people see. It is loaded with the first page that is shown: a guard alone shows none. */
export { consentPage } from "./consent-page.ts";
export { errorPage } from "./error-page.ts";
export { unknownClientPage } from "./unknown-client-page.ts";
export { upstreamChoicePage } from "./upstream-choice-page.ts";
