// biome-ignore-all lint/suspicious/noTemplateCurlyInString: the texts contain such variables

import { describe, expect, it } from 'vitest';
import { escaped, interpolate, variablesIn } from '../../../../runner/swarm/compose/interpolate.ts';
import { fc } from '../../../support/property.ts';

const variables = {
  values: new Map([
    ['A', 'alpha'],
    ['EMPTY', ''],
    ['B_2', 'beta'],
    ['DOLLAR', '$A ${A} $$'],
  ]),
  commentedAt: new Map([['SHOWN', '.env.sample:4']]),
};

function filled(text: string): string {
  return interpolate(text, variables, 'compose.yml:3');
}

function whyRefused(text: string): string {
  try {
    return `it became ${filled(text)}`;
  } catch (error) {
    return (error as Error).message;
  }
}

describe('interpolation of variables:', () => {
  it.each([
    ['nothing here', 'nothing here'],
    ['$A', 'alpha'],
    ['$A.b', 'alpha.b'],
    ['${A}', 'alpha'],
    ['${A}_${B_2}', 'alpha_beta'],
    ['[$EMPTY]', '[]'],
    ['${A:-d}', 'alpha'],
    ['${EMPTY:-d}', 'd'],
    ['${EMPTY-d}', ''],
    ['${NONE-d}', 'd'],
    ['${NONE:-}', ''],
    ['${NONE:-${A}}', 'alpha'],
    ['${NONE:-a${NOT:-b$B_2}c}', 'abbetac'],
    ['${A:-${NONE}}', 'alpha'],
    ['${A:?why}', 'alpha'],
    ['${EMPTY?why}', ''],
    ['${A:+x$B_2}', 'xbeta'],
    ['${EMPTY:+x}', ''],
    ['${EMPTY+x}', 'x'],
    ['${NONE:+http://$NONE/}', ''],
    ['costs $$5 and $${A}', 'costs $5 and ${A}'],
    ['${NONE:-$$5}', '$5'],
    ['$DOLLAR', '$A ${A} $$'],
    ['} {x}', '} {x}'],
  ])('%s becomes %s', (text, expected) => {
    expect(filled(text)).toBe(expected);
  });

  it.each([
    [
      '$NONE',
      "compose.yml:3: the variable NONE is not set; set it in .env.sample or in the recipe's env, or give a default: ${NONE:-}",
    ],
    ['${NONE}', 'the variable NONE is not set'],
    ['${SHOWN}', 'set it at .env.sample:4, where it is commented out, or'],
    ['${EMPTY:?the mail host}', 'the variable EMPTY is not set: the mail host'],
    ['${NONE?}', 'the variable NONE is not set'],
    ['${NONE:-$OTHER}', 'the variable OTHER is not set'],
    ['$5', 'a `$` without a variable name'],
    ['ends in $', 'a `$` without a variable name'],
    ['${}', 'a `$` without a variable name'],
    ['${A', 'an unknown operator after `${A`'],
    ['${A:-x', 'is not closed'],
    ['${A/x/y}', 'an unknown operator after `${A`'],
    ['${A:=x}', 'an unknown operator after `${A`'],
    [`${'${N:-'.repeat(12)}x${'}'.repeat(12)}`, 'too deep'],
  ])('%s is refused', (text, why) => {
    expect(whyRefused(text)).toContain(why);
  });

  it('a text that grows too long is refused', () => {
    expect(whyRefused('${BIG:-$$}'.repeat(70_000))).toContain('this text is too long');
  });

  it('a text comes out unchanged if its dollar signs were doubled', () => {
    fc.assert(
      fc.property(
        fc.array(fc.constantFrom('$', '{', '}', 'A', ':-', 'x')).map((parts) => parts.join('')),
        (text) => filled(escaped(text)) === text,
      ),
    );
  });

  it('an error never names a variable that the text does not name', () => {
    const part = fc.constantFrom('$', '{', '}', 'A', 'NONE', ':-', '-', ':?', ':+', '$$', '${', 'x ');
    fc.assert(
      fc.property(fc.array(part, { maxLength: 14 }), (parts) => {
        const text = parts.join('');
        const unset = /the variable (\w+) is not set/.exec(whyRefused(text))?.[1];
        return unset === undefined || variablesIn(text).some(({ name }) => name === unset);
      }),
    );
  });

  it('the list of variables in a text says which are optional', () => {
    expect(variablesIn('$A ${B:-${C}} ${D:?x} $$E ${F+y}')).toEqual([
      { name: 'A', isOptional: false },
      { name: 'B', isOptional: true },
      { name: 'C', isOptional: false },
      { name: 'D', isOptional: false },
      { name: 'F', isOptional: true },
    ]);
  });
});
