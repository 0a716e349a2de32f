import { describe, expect, it } from "vitest";
import {
  isAllowedScheme,
  isHarmfulScheme,
  requirePrivateUseSchemes,
} from "../../../src/provider/oauth/private-use-schemes.ts";

const applications =
  "antigravity chatgpt cherrystudio claude code-oss codex cursor goose grokbot kiro lmstudio opencode positron raycast " +
  "trae vscode vscode-insiders vscodium warp windsurf windsurf-next zed";

describe("a private-use scheme", () => {
  it.each(applications.split(" "))("of a known application may be registered: %s", (scheme) => {
    expect(isAllowedScheme(scheme, [])).toBe(true);
  });

  it.each(["com.example", "com.example.app", "io.github.some-body.app2", "a.b", "com.example.ms-word"])(
    "that is made of a domain name may be registered: %s",
    (scheme) => {
      expect(isAllowedScheme(scheme, [])).toBe(true);
    },
  );

  it.each(["myapp", "example.", "com..example", "com.-example", "a+com.example", "com.example+x", "1.example"])(
    "may be registered where the configuration names it, and nowhere else: %s",
    (scheme) => {
      expect(isAllowedScheme(scheme, [])).toBe(false);
      expect(isAllowedScheme(scheme, ["other"])).toBe(false);
      expect(isAllowedScheme(scheme, ["other", scheme])).toBe(true);
    },
  );

  it.each([
    "about",
    "data",
    "edge",
    "resource",
    "vbscript",
    "urn",
    "android-app",
    "app-prefs",
    "cmd",
    "windowsdefender",
    "afp",
    "webcal",
    "ms-word",
    "microsoft.windows.camera",
    "microsoft-edge",
    "windows.settings",
    "windows-feedback",
    "android.resource",
    "x-apple.systempreferences",
    "com.apple.systempreferences",
    "x-man-page",
    "web+note",
    "ext+note",
  ])("does harm, and may not be registered whoever names it: %s", (scheme) => {
    expect(isHarmfulScheme(scheme)).toBe(true);
    expect(isAllowedScheme(scheme, [scheme])).toBe(false);
  });

  it.each(["com.example.about", "x.web", "com.example.windows.app", "windowsapp", "microsoftapp", ""])(
    "does no harm where it only has the name of one in it: %j",
    (scheme) => {
      expect(isHarmfulScheme(scheme)).toBe(false);
    },
  );
});

describe("an option that lists private-use schemes", () => {
  it("has them in lower case, as URLs have them", () => {
    expect(requirePrivateUseSchemes("privateUseSchemes", [])).toEqual([]);
    const given = ["MyApp", "x", "a1+b.c-d", "xhttp", "httpx", "https-app"];
    expect(requirePrivateUseSchemes("privateUseSchemes", given)).toEqual(given.map((scheme) => scheme.toLowerCase()));
  });

  it.each([
    [undefined],
    [null],
    ["myapp"],
    [{ length: 0 }],
    [[5]],
    [["myapp", 5]],
    [[""]],
    [["myapp:"]],
    [["1app"]],
    [["my app"]],
    [["app\n"]],
    [["http"]],
    [["HTTPS"]],
    [["myapp", "javascript"]],
    [["MS-Word"]],
  ])("is not %j", (value) => {
    expect(() => requirePrivateUseSchemes("privateUseSchemes", value)).toThrow(
      expect.objectContaining({ code: "ERR_CONFIGURATION" }),
    );
  });
});
