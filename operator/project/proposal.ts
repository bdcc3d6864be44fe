// What `init` proposes for a project, and the `coldpass.yml` for it: written for people first, with the reasons beside
// the lines. Credentials in an address never get into the file.

import { stringify } from 'yaml';
import { type AppRecipe, type CommandRecipe, isApp, type Recipe, type Stage } from '../../state/entry/recipe.ts';
import type { ToolGrant } from '../../state/trail/workspace.ts';

export const reportFile = '.coldpass-junit.xml';

export type Proposal = {
  /** The recipe's name. */
  name: string;
  /** In words: "a Node project, tested with vitest". */
  what: string;
  recipe: Recipe;
  /** Tool folders and hosts that must be granted for the recipe. */
  tools: ToolGrant[];
  hosts: string[];
  /** What you should know or do, one line each. */
  notes: string[];
};

/** The text of a new coldpass.yml. Without proposals it contains a recipe for you to complete. */
export function configText(name: string, base: string, proposals: readonly Proposal[]): string {
  const recipes = proposals.length > 0 ? proposals.map(recipeText).join('\n') : toComplete;
  return `# What Coldpass needs to know about this repository. Unknown keys are errors. \`coldpass doctor\` checks this file.
name: ${scalar(name)}
base: ${scalar(base)}

recipes:
${recipes}
# agents:                 # the model for both roles; each role may have its own
#   model: claude-opus-5-5
#   adversary: { model: claude-sonnet-5-5 }
`;
}

/** An address without credentials, fit for a committed file. */
export function withoutSecrets(url: string): string {
  const plain = new URL(url);
  plain.username = '';
  plain.password = '';
  return plain.href;
}

function recipeText({ name, what, recipe, notes }: Proposal): string {
  const head = [`  # ${what}`, ...notes.map((note) => `  # Note: ${note}`), `  ${name}:`];
  return `${[...head, ...(isApp(recipe) ? appLines(recipe) : commandLines(recipe))].join('\n')}\n`;
}

function commandLines(recipe: CommandRecipe): string[] {
  return [
    ...(recipe.setup
      ? [
          '    # Installs dependencies and nothing else: a run and its controls share the result.',
          '    setup:',
          ...stageLines(recipe.setup, '      '),
        ]
      : []),
    '    # Run in order; level n means that the first n passed. Name programs directly: `npm test` or `make` would read files',
    '    # that a claim can change.',
    '    stages:',
    ...recipe.stages.flatMap((stage) => stageLines(stage, '      - ')),
    "    # Which files are tests: a control that removes the claim's code keeps these.",
    `    tests: ${list(recipe.tests)}`,
    ...(recipe.harness.length > 0
      ? [
          '    # Runs always use your version of these files, whatever a claim does to them. A claim cannot add a missing one.',
          `    harness: ${list(recipe.harness)}`,
        ]
      : []),
    ...(recipe.tools.length > 0
      ? ['    # Folders of this machine, by the names granted at `coldpass init`.', `    tools: ${list(recipe.tools)}`]
      : []),
    ...(Object.keys(recipe.env).length > 0
      ? ['    env:', ...Object.entries(recipe.env).map(([key, value]) => `      ${key}: ${scalar(value)}`)]
      : []),
  ];
}

function appLines({ suite, tests }: AppRecipe): string[] {
  return [
    '    # Runs on a Docker Swarm: install, upgrade, backup_restore, functional, lint. Level n means that the first n passed.',
    '    engine: swarm',
    '    # The folder with ops.ts (hooks) and install, upgrade, backup, restore and functional.test.ts.',
    `    suite: ${scalar(suite)}`,
    `    tests: ${list(tests)}`,
    '    # ready: [{ service: app, http: / }]   # what must answer before the tests start',
  ];
}

function stageLines(stage: Stage, lead: string): string[] {
  const rest = ' '.repeat(lead.length);
  return [
    `${lead}name: ${scalar(stage.name)}`,
    `${rest}run: ${scalar(stage.run)}`,
    `${rest}seconds: ${stage.seconds}`,
    ...(stage.network.length > 0 ? [`${rest}network: ${list(stage.network)}`] : []),
    ...(stage.report === undefined ? [] : [`${rest}report: ${scalar(stage.report)}`]),
  ];
}

const toComplete = `  # Coldpass could not find out how this project is tested. Complete the lines marked <-, then type \`coldpass try\`.
  unit:
    # setup:              # installs dependencies, if there are any
    #   name: setup
    #   run: npm ci --ignore-scripts
    #   network: [registry.npmjs.org]
    stages:
      - name: test
        run: "echo 'coldpass.yml: put the command that runs the tests here' >&2; exit 1"   # <- the command itself, not \`make\` or \`npm test\`
        seconds: 600
        report: ${reportFile}   # <- the JUnit XML file that it writes; every common test runner can write one
    tests: ["tests/**"]   # <- which files are tests
    harness: []           # <- files that configure the test runner; runs always use your version of them
`;

function scalar(text: string): string {
  return stringify(text, { lineWidth: 0 }).trimEnd();
}

function list(items: readonly string[]): string {
  return `[${items.map((item) => JSON.stringify(item)).join(', ')}]`;
}
