// Owns the choice of scenarios by name: what there is to choose from, what excludes what, and what a choice adds up to.

import { type Scenario as Row, type ScenarioGroup, type ScenarioName, scenarioTable } from './table.ts';
import { type FirstTry, plainTraits, type Traits } from './traits.ts';

export type { ScenarioName } from './table.ts';

export type Scenario = {
  name: ScenarioName;
  group: ScenarioGroup;
  /** What it does on the wire, in one sentence of Markdown. */
  sentence: string;
  /** The scenarios that it cannot be combined with; they name this one, too. */
  excludes: readonly ScenarioName[];
};

export type FirstTryFault = FirstTry & { scenario: ScenarioName };

/** What the scenarios that are on add up to. */
export type Chosen = {
  traits: Traits;
  /** One for each try, in the order in which their scenarios were named. */
  firstTries: readonly FirstTryFault[];
};

/** A choice of scenarios that makes no sense; the message says why. */
export class ScenarioError extends Error {
  override readonly name = 'ScenarioError';
}

type NamedRow = Row & { name: ScenarioName; group: ScenarioGroup };

const rows = Object.entries(scenarioTable).flatMap(([group, scenarios]) =>
  Object.entries(scenarios).map(([name, row]) => ({ name, group, ...row }) as NamedRow),
);

const excludes = (one: NamedRow, other: NamedRow): boolean =>
  one !== other &&
  (Object.keys(one.traits ?? {}).some((trait) => Object.hasOwn(other.traits ?? {}, trait)) ||
    one.excludes?.includes(other.name) === true ||
    other.excludes?.includes(one.name) === true);

/** Every scenario, for help and documents; plain data. */
export const SCENARIOS: readonly Scenario[] = rows.map((row) => ({
  name: row.name,
  group: row.group,
  sentence: row.sentence,
  excludes: rows.filter((other) => excludes(row, other)).map(({ name }) => name),
}));

/** A name that comes twice counts once. @throws ScenarioError for an unknown name and for a pair that excludes itself. */
export function chooseScenarios(names: readonly string[]): Chosen {
  const chosen = [...new Set(names)].map((name) => {
    const row = rows.find((known) => known.name === name);
    if (row) return row;
    const all = rows.map((known) => known.name).join(', ');
    throw new ScenarioError(`There is no scenario ${JSON.stringify(name)}. There are: ${all}.`);
  });
  for (const [index, one] of chosen.entries()) {
    const others = chosen.slice(index + 1).filter((other) => excludes(one, other));
    if (others.length === 0) continue;
    const those = others.map(({ name }) => `"${name}"`).join(' and ');
    throw new ScenarioError(`The scenario "${one.name}" cannot be combined with ${those}.`);
  }
  // Each webhook scenario sends webhooks, whether or not the plain one is named as well.
  const traits: Traits = { ...plainTraits, webhooks: chosen.some(({ group }) => group === 'webhooks') };
  for (const row of chosen) Object.assign(traits, row.traits);
  return {
    traits,
    firstTries: chosen.flatMap(({ name, firstTry }) => (firstTry ? [{ ...firstTry, scenario: name }] : [])),
  };
}
