import { createHash } from "node:crypto";

/** The style of the emulator's pages: one column, any width, light and dark by the reader's preference. */
export const pageStyle = `
:root {
  color-scheme: light dark;
  --ground: #f3f4f8; --card: #ffffff; --line: #d5d9e4; --text: #171b2b; --soft: #566079;
  --accent: #4b3fd1; --accent-hover: #3c31b4; --on-accent: #ffffff; --bad: #a8201a; --bad-ground: #fdeceb;
  --note-ground: #eeedfb; --shadow: 0 1px 2px rgb(20 24 50 / .06), 0 12px 32px rgb(20 24 50 / .08);
}
@media (prefers-color-scheme: dark) {
  :root {
    --ground: #10131d; --card: #191d2b; --line: #38405a; --text: #eef0f7; --soft: #a7afc6;
    --accent: #9d94ff; --accent-hover: #b5aeff; --on-accent: #14122e; --bad: #ffb4ad; --bad-ground: #3d1a1c;
    --note-ground: #25243f; --shadow: none;
  }
}
* { box-sizing: border-box; }
body {
  margin: 0; min-height: 100vh; min-height: 100dvh; padding: 24px 16px; display: grid; place-items: center;
  background: var(--ground); color: var(--text);
  font: 16px/1.5 system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", Arial, sans-serif;
}
main {
  width: 100%; max-width: 416px; padding: 32px; background: var(--card);
  border: 1px solid var(--line); border-radius: 16px; box-shadow: var(--shadow);
}
.brand { display: flex; align-items: center; gap: 10px; margin: 0 0 24px; font-size: 14px; font-weight: 600; }
.brand svg { width: 28px; height: 28px; flex: none; color: var(--accent); }
.brand span { margin-left: auto; padding: 2px 10px; border-radius: 999px; background: var(--note-ground); font-size: 12px; }
h1 { margin: 0 0 4px; font-size: 24px; line-height: 1.25; letter-spacing: -.01em; }
p { margin: 0; }
.lead { color: var(--soft); overflow-wrap: anywhere; }
.lead strong { color: var(--text); }
form { margin: 24px 0 0; }
label { display: block; margin: 16px 0 6px; font-size: 14px; font-weight: 600; }
input {
  width: 100%; height: 46px; padding: 0 14px; font: inherit; color: inherit; background: transparent;
  border: 1px solid var(--soft); border-radius: 10px;
}
button {
  width: 100%; height: 46px; margin-top: 24px; font: inherit; font-weight: 600; cursor: pointer;
  color: var(--on-accent); background: var(--accent); border: 1px solid transparent; border-radius: 10px;
}
button:hover { background: var(--accent-hover); }
button.quiet { margin-top: 10px; color: var(--text); background: transparent; border-color: var(--line); }
button.quiet:hover { background: var(--ground); }
:focus-visible { outline: 3px solid var(--accent); outline-offset: 2px; }
.alert { margin-top: 20px; padding: 10px 14px; border-radius: 10px; color: var(--bad); background: var(--bad-ground); }
.note { margin-top: 24px; padding: 12px 14px; border-radius: 10px; background: var(--note-ground); font-size: 14px; }
code { font: .95em ui-monospace, "Cascadia Mono", Menlo, Consolas, monospace; overflow-wrap: anywhere; }
@media (max-width: 480px) {
  body { padding: 0; place-items: stretch; }
  main { max-width: none; padding: 28px 20px; border: 0; border-radius: 0; box-shadow: none; }
}
`;

/** The source expression by which a Content-Security-Policy allows {@link pageStyle} and no other style. */
export const pageStyleHash = `sha256-${createHash("sha256").update(pageStyle).digest("base64")}`;
