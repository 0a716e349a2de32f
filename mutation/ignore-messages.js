import { declareValuePlugin, PluginKind } from "@stryker-mutator/api/plugin";

/** What makes an error of a text. */
const makesAnError = /^(?:requireThat|refuse|refuseUnless|invalid\w*|unavailable|unauthorized|rejected|\w*Error)$/;

/** Words for people are not tested: an assertion names an error's code. A text with a space is no code. */
export const strykerPlugins = [
  declareValuePlugin(PluginKind.Ignore, "messages", {
    shouldIgnore({ node, parent }) {
      if (node.type === "StringLiteral" && node.value === "utf8") return "It is what Node takes where nothing is said.";
      const isText = node.type === "StringLiteral" ? node.value.includes(" ") : node.type === "TemplateLiteral";
      const isCall = parent?.type === "NewExpression" || parent?.type === "CallExpression";
      if (!isText || !isCall || parent.callee.type !== "Identifier" || !makesAnError.test(parent.callee.name)) return;
      return "A message is for people.";
    },
  }),
];
