// What `init` proposes for a project, and the `coldpass.yml` that says it: for people first, with the reasons beside the
// lines. Credentials in an address never get into it.

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
  /** Tool folders and hosts that the recipe needs granted. */
  tools: ToolGrant[];
  hosts: string[];
  /** What the person should know or do, a line each. */
  notes: string[];
};

/** The whole text of a new coldpass.yml. Without proposals it holds a recipe for the person to complete. */
export function configText(name: string, base: string, proposals: readonly Proposal[]): string {
  const recipes = proposals.length > 0 ? proposals.map(recipeText).join('\n') : toComplete;
  return `# What Coldpass needs to know of this repository. Strict: an unknown key is refused. \`coldpass doctor\` looks it through.
name: ${scalar(name)}
base: ${scalar(base)}

recipes:
${recipes}
# agents:                 # which model plays the roles; each role may have its own
#   model: claude-opus-5-5
#   adversary: { model: claude-sonnet-5-5 }
`;
}

/** An address as it may stand in a file that is committed. */
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
          '    # Installs dependencies and nothing else: a run and its controls share what it leaves.',
          '    setup:',
          ...stageLines(recipe.setup, '      '),
        ]
      : []),
    '    # In order; level n means that the first n passed. Commands name programs: `npm test` or `make` would read files',
    '    # that a claim can change.',
    '    stages:',
    ...recipe.stages.flatMap((stage) => stageLines(stage, '      - ')),
    '    # Which files are tests: kept from the claim where a control takes its code away.',
    `    tests: ${list(recipe.tests)}`,
    ...(recipe.harness.length > 0
      ? [
          '    # Yours, whatever a claim does to them; a file that you do not have, a claim cannot add.',
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
    '    # Deployed on a Docker Swarm: install, upgrade, backup_restore, functional, lint. Level n means that the first n passed.',
    '    engine: swarm',
    '    # The folder of ops.ts (hooks), install.test.ts, upgrade.test.ts, backup.test.ts, restore.test.ts, functional.test.ts.',
    `    suite: ${scalar(suite)}`,
    `    tests: ${list(tests)}`,
    '    # ready: [{ service: app, http: / }]   # what must answer before anything is tested',
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

const toComplete = `  # Coldpass could not tell how this project is tested. Complete the lines marked with <-, then type \`coldpass try\`.
  unit:
    # setup:              # installs dependencies, if there are any
    #   name: setup
    #   run: npm ci --ignore-scripts
    #   network: [registry.npmjs.org]
    stages:
      - name: test
        run: "echo 'coldpass.yml: put the command that runs the tests here' >&2; exit 1"   # <- the command itself, not \`make\` or \`npm test\`
        seconds: 600
        report: ${reportFile}   # <- the JUnit XML file that it writes; every common test runner can
    tests: ["tests/**"]   # <- which files are tests
    harness: []           # <- files that configure the test runner; they stay yours, whatever a claim does
`;

function scalar(text: string): string {
  return stringify(text, { lineWidth: 0 }).trimEnd();
}

function list(items: readonly string[]): string {
  return `[${items.map((item) => JSON.stringify(item)).join(', ')}]`;
}
