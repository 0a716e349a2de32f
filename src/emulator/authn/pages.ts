import { pageStyle } from "./page-style.ts";

/** What the login page shows. */
export interface LoginPage {
  /** Where the form goes. */
  readonly action: string;
  /** The OAuth client that sends the user. */
  readonly clientName: string;
  /** What to have in the username field already. */
  readonly username?: string | undefined;
  /** Why the last try was refused. */
  readonly problem?: string | undefined;
  /** A user to tell the reader about, so that the emulator can be used without its documentation. */
  readonly hint?: { readonly username: string; readonly password: string } | undefined;
}

/**
 * The login page. Its form posts `username`, `password` and `action`, which is `login` or `cancel`, and needs no script.
 */
export function renderLoginPage(page: LoginPage): string {
  const problem =
    page.problem === undefined ? "" : `<p class="alert" id="problem" role="alert">${escapeHtml(page.problem)}</p>`;
  const described = page.problem === undefined ? "" : ' aria-invalid="true" aria-describedby="problem"';
  const hint =
    page.hint === undefined
      ? ""
      : `<p class="note">This emulator has one user: <code>${escapeHtml(page.hint.username)}</code> with the password <code>${escapeHtml(page.hint.password)}</code>.</p>`;
  return renderPage(
    "Sign in",
    `<h1>Sign in</h1>
<p class="lead">to continue to <strong>${escapeHtml(page.clientName)}</strong></p>
${problem}
<form method="post" action="${escapeHtml(page.action)}">
<label for="username">Username or email</label>
<input id="username" name="username" autocomplete="username" autocapitalize="none" spellcheck="false" required value="${escapeHtml(page.username ?? "")}"${page.problem === undefined ? " autofocus" : ""}${described}>
<label for="password">Password</label>
<input id="password" name="password" type="password" autocomplete="current-password" required${page.problem === undefined ? "" : " autofocus"}${described}>
<button name="action" value="login">Sign in</button>
<button name="action" value="cancel" class="quiet" formnovalidate>Cancel</button>
</form>
${hint}`,
  );
}

/** A page for an error that cannot be sent to a client: there is none, or its redirect URI is not to be trusted. */
export function renderErrorPage(error: string, description: string): string {
  return renderPage(
    "Sign-in failed",
    `<h1>Sign-in failed</h1>
<p class="lead">${escapeHtml(description)}</p>
<p class="note">OAuth error <code>${escapeHtml(error)}</code>. Go back to the application and start again.</p>`,
  );
}

function renderPage(title: string, content: string): string {
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="robots" content="noindex">
<title>${title} · Pangea AuthN emulator</title>
<style>${pageStyle}</style>
</head>
<body>
<main>
<p class="brand"><svg viewBox="0 0 28 28" aria-hidden="true" fill="none" stroke="currentColor" stroke-width="2.5"><circle cx="14" cy="14" r="11.5"/><path d="M4 17c5-5 9 3 20-4M8 6c2 4 9 2 12-1"/></svg>Pangea AuthN <span>Emulator</span></p>
${content}
</main>
</body>
</html>
`;
}

function escapeHtml(text: string): string {
  return text.replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`);
}
